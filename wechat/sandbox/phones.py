"""The recipients' phones: which are bound, what reached them, and the trails that WeChat knows. Bounded."""

from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from wechat.sandbox.validation import Node, PathNotify

MESSAGE_TITLES = {300002: "快件派送中", 300003: "快件已签收"}
"""The only types that make a message today (specification, section 5)."""
MOST_PHONES = 2000
MOST_BINDINGS = 100_000
MOST_TRAILS = 20_000
_NODES_A_TRAIL = 500
_MESSAGES_A_PHONE = 50
_WAYBILLS_A_PHONE = 20
_SHOWN_PHONES = 60
_SHOWN_WAYBILLS = 2


class TooManyBindings(Exception):
    """The sandbox remembers no more phones as bound or unbound."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a recipient reads in WeChat. at: Unix seconds."""

    number: int
    at: float
    waybill_id: str
    action_type: int
    title: str
    text: str


@dataclass(slots=True)
class Phone:
    """One recipient's phone; the newest message and waybill come last."""

    number: str
    place: int
    """The order in which phones were first seen."""
    first_message: int = 0
    """The number of the first message that it ever received; 0 before."""
    messages: deque[Message] = field(default_factory=lambda: deque(maxlen=_MESSAGES_A_PHONE))
    waybills: OrderedDict[str, None] = field(default_factory=OrderedDict)


class Phones:
    """All phones of this sandbox's world."""

    def __init__(self, *, bind_all: bool, bound: Iterable[str] = ()) -> None:
        self.bind_all = bind_all
        self.messages_sent = 0
        self.newest_message: dict[str, Any] | None = None
        """{"phone", "at"} of the last message that was delivered."""
        self._bindings: dict[str, bool] = {}
        self._phones: OrderedDict[str, Phone] = OrderedDict()
        self._places = 0
        self._trails: OrderedDict[str, tuple[Node, ...]] = OrderedDict()
        for number in bound:
            self.bind(number, bound=True)

    def bind(self, number: str, *, bound: bool) -> None:
        """Bind or unbind a phone."""
        if number not in self._bindings and len(self._bindings) >= MOST_BINDINGS:
            raise TooManyBindings
        self._bindings[number] = bound
        self.see(number)

    def is_bound(self, number: str) -> bool:
        """Return whether the phone's owner follows the carrier in WeChat."""
        return self._bindings.get(number, self.bind_all)

    def see(self, number: str) -> Phone:
        """Return a phone, the most recently seen now; the one seen longest ago leaves when there are too many."""
        phone = self._phones.get(number)
        if phone is None:
            self._places += 1
            phone = self._phones[number] = Phone(number, self._places)
            if len(self._phones) > MOST_PHONES:
                self._phones.popitem(last=False)
        self._phones.move_to_end(number)
        return phone

    def receive(self, push: PathNotify, trail: Sequence[Node] | None, now: float) -> bool:
        """Take in a push that holds: its trail always, its message where the phone is bound. Return whether it is.

        trail: what the back-query told; None where there was none, then the pushed node joins what is known.
        """
        self._update_trail(push, trail)
        if not self.is_bound(push.receiver_phone):
            return False
        phone = self.see(push.receiver_phone)
        phone.waybills[push.waybill_id] = None
        phone.waybills.move_to_end(push.waybill_id)
        if len(phone.waybills) > _WAYBILLS_A_PHONE:
            phone.waybills.popitem(last=False)
        title = MESSAGE_TITLES.get(push.node.action_type)
        if title is not None:
            self._deliver(phone, push, title, now)
        return True

    def _deliver(self, phone: Phone, push: PathNotify, title: str, now: float) -> None:
        self.messages_sent += 1
        node = push.node
        message = Message(self.messages_sent, now, push.waybill_id, node.action_type, title, node.action_msg)
        phone.messages.append(message)
        self.newest_message = {"phone": phone.number, "at": now}
        phone.first_message = phone.first_message or message.number

    def trail(self, waybill_id: str) -> tuple[Node, ...]:
        """Return the nodes that WeChat knows of a waybill, newest first."""
        return self._trails.get(waybill_id, ())

    def _update_trail(self, push: PathNotify, trail: Sequence[Node] | None) -> None:
        if trail is None:
            known = self.trail(push.waybill_id)
            trail = known if push.node in known else (push.node, *known)
        newest_first = sorted(trail, key=lambda node: node.action_time, reverse=True)
        self._trails[push.waybill_id] = tuple(newest_first[:_NODES_A_TRAIL])
        self._trails.move_to_end(push.waybill_id)
        if len(self._trails) > MOST_TRAILS:
            self._trails.popitem(last=False)

    def described(self, digits: str = "") -> list[dict[str, Any]]:
        """Return phones with all that a page shows of them; with digits, those whose number has them.

        Their order does not change with each message: a person reads one of them while others receive.
        """
        found = [phone for phone in self._phones.values() if digits in phone.number]
        return [self._describe(phone) for phone in sorted(found, key=self._rank)[:_SHOWN_PHONES]]

    def _rank(self, phone: Phone) -> tuple[int, int]:
        """Return whose turn it is on the page: those with messages, then the bound, then the others."""
        if phone.first_message:
            return 0, phone.first_message
        return (1 if self.is_bound(phone.number) else 2), phone.place

    def __len__(self) -> int:
        return len(self._phones)

    def _describe(self, phone: Phone) -> dict[str, Any]:
        shown = list(reversed(phone.waybills))[:_SHOWN_WAYBILLS]
        return {
            "phone": phone.number,
            "bound": self.is_bound(phone.number),
            "messages": [_shown_message(message) for message in reversed(phone.messages)],
            "waybills": [{"waybill_id": no, "latest": _shown_node(self.trail(no))} for no in shown],
        }


def _shown_message(message: Message) -> dict[str, Any]:
    return {
        "id": message.number,
        "at": message.at,
        "waybill_id": message.waybill_id,
        "action_type": message.action_type,
        "title": message.title,
        "text": message.text,
    }


def _shown_node(trail: Sequence[Node]) -> dict[str, Any] | None:
    return shown_nodes(trail[:1])[0] if trail else None


def shown_nodes(trail: Sequence[Node]) -> list[dict[str, Any]]:
    """Return a trail as the API shows it."""
    return [
        {"action_time": node.action_time, "action_type": node.action_type, "action_msg": node.action_msg}
        for node in trail
    ]
