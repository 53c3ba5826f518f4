"""The shapes of the settings that `waybills` reads; `portal.settings` fills them from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True)
class SealSettings:
    """Keys of the data at rest, 32 bytes each."""

    keys: tuple[bytes, ...] = field(repr=False)
    """Of the sealed documents, newest first: the first seals, all of them open."""
    index_key: bytes = field(repr=False)
    """Of the blind index of phones and of the digests. Never rotated online: stored digests depend on it."""


@dataclass(frozen=True)
class PushSettings:
    """What is pushed, until when, and how often it is tried."""

    action_types: frozenset[int] | None
    """Pushed by themselves; None: all."""
    deadlines: Mapping[int | None, timedelta]
    """By action type, from action_time on; None is the key of all others."""
    order_wait: timedelta
    coalesce: frozenset[int]
    only_phones: frozenset[str]
    """Joint debugging: nobody else is pushed to; empty: everyone."""
    send_unbound: bool
    lease: timedelta
    retry_first: timedelta
    poll: timedelta
    """Between looks for work when no doorbell rings."""
    line_probe: timedelta
    calls_per_minute: int | None
    trust_bound: timedelta
    trust_unbound: timedelta

    def deadline_of(self, action_type: int) -> timedelta:
        """Return how long after its action_time a push of this type is worth sending."""
        return self.deadlines.get(action_type, self.deadlines[None])

    def deadline(self, action_time: int, action_type: int) -> int:
        """Return until when a push of an event is worth sending, as action_time in Unix seconds."""
        return action_time + int(self.deadline_of(action_type).total_seconds())


@dataclass(frozen=True)
class JsonpSettings:
    """The landing page's query: names agreed with WeChat, proof, mask and limits."""

    waybill_param: str
    callback_param: str
    proof: str
    """none, phone_tail or signature."""
    mask: str
    """parties or all."""
    rate: tuple[int, int]
    """(how many, in how many seconds) for one client address."""


@dataclass(frozen=True)
class ApiSettings:
    """The API's limits."""

    rate: tuple[int, int]
    """(how many requests, in how many seconds) for one account."""
    threads: int
    """Of this web process; `waybills.api.back_pressure` says how many of them the API may hold."""
