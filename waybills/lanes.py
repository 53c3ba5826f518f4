"""The queue: a lane a waybill, which is its order, its lease and its fence.

A worker *claims* due lanes and with each the one push to send now, writes what it is about to do, and commits; only
then it calls WeChat; then it *settles*. A lane that was claimed and not settled falls due again when its lease ends;
its fence has moved on by then, so that a late result changes no push. What a worker decides about a head, and why, is
the caller's: this module knows nothing of WeChat.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from waybills import arrays
from waybills import lanes_sql as sql
from waybills.database import (
    as_list,
    as_moment,
    execute,
    execute_each,
    fetch,
    is_postgresql,
    plan_by_keys,
    read_moment,
    read_moment_or_none,
    uuid_writer,
)
from waybills.documents import (
    AttemptDocument,
    Contact,
    PathDocument,
    seal_attempt,
    unseal_path,
    unseal_waybill,
)
from waybills.models import Call, Outcome, PushReason, PushState
from waybills.uuid7 import uuid7

_JUDGEMENT = timedelta(seconds=10)
"""How long after it was due a push in doubt may wait to be judged."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a claimed lane has to send now."""

    push_id: int
    waybill_id: int
    fence: int
    claimed_at: datetime
    leased_until: datetime
    action_time: int
    action_type: int
    tries: int
    refusals: int
    by_hand: bool
    trigger: str
    in_doubt_since: datetime | None
    not_before: datetime
    deadline_at: datetime
    path_digest: bytes
    path_sealed: bytes
    no: str
    create_time: int
    waybill_sealed: bytes
    receiver_phone_index: bytes
    regions: tuple[tuple[str, str], tuple[str, str]]
    """(province, city) of the sender, of the receiver."""
    receiver_is_mobile: bool
    is_voided: bool
    sent_through: int
    overtakes: bool
    """Earlier ones of its waybill are pending still."""

    def document(self) -> PathDocument:
        """Return the path's document; raise SealBroken where it does not open."""
        return unseal_path(self.path_digest, self.path_sealed)

    def contacts(self) -> tuple[Contact, Contact]:
        """Return (sender, receiver); raise SealBroken where they do not open."""
        return unseal_waybill(self.no, self.waybill_sealed, *self.regions)


@dataclass(frozen=True, slots=True)
class Begin:
    """The decision to call WeChat. request: the body as text, without the token."""

    head: Head
    call: Call
    request: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Move:
    """The decision about a push: its next state, or, while it stays pending, when it is due again."""

    state: PushState
    reason: PushReason = PushReason.NONE
    not_before: datetime | None = None
    tries: int = 0
    refusals: int = 0
    in_doubt_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Settle:
    """The decision to move a push without a call."""

    head: Head
    move: Move


@dataclass(frozen=True, slots=True)
class Attempt:
    """A call that was written down and may now be made."""

    id: UUID
    head: Head
    call: Call
    request: str = field(repr=False)
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """How a call ended: what was seen of its answer."""

    attempt: Attempt
    ended_at: datetime
    outcome: Outcome
    answer: str = field(default="", repr=False)
    errcode: int | None = None
    errmsg: str = ""
    exist: int | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What a worker makes of a call: the push moves, or the next call of the same push begins."""

    seen: Seen
    then: Move | Begin
    has_reached: bool = False
    """WeChat has the event, or may have it: nothing older goes out after it."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claim's yield: the calls to make, and how many lanes were due at all."""

    attempts: list[Attempt] = field(default_factory=list)
    lanes: int = 0


Decide = Callable[[Sequence[Head]], Sequence[Begin | Settle]]


def lock(waybill_ids: Sequence[int]) -> None:
    """Lock these waybills' lanes until the transaction ends, making those that are missing.

    waybill_ids: sorted. Two senders that commit a waybill and its path at the same moment would each miss the other.
    """
    _lock(waybill_ids, {}, None)


def take_in(waybill_ids: Sequence[int], arrivals: Mapping[int, bool], now: datetime) -> list[int]:
    """Lock these waybills' lanes, as `lock`, and wake those to which pushes came that are due at `now`.

    arrivals: the waybills of which the caller knows that they are posted and have such pushes; true where a message is
    among them. Return those that are to be looked through by `wake` still.
    """
    rows = _lock(waybill_ids, arrivals, now)
    unsure = {waybill_id for waybill_id, wake_at in rows if wake_at is not None and read_moment(wake_at) > now}
    unsure.update(waybill_id for waybill_id in waybill_ids if waybill_id not in arrivals)
    return sorted(unsure)


def _lock(waybill_ids: Sequence[int], arrivals: Mapping[int, bool], now: datetime | None) -> list[tuple[int, Any]]:
    """Return (waybill's id, wake_at) of lanes among which are all that sleep until later than `now`."""
    is_due = [id_ in arrivals for id_ in waybill_ids]
    is_urgent = [arrivals.get(id_, False) for id_ in waybill_ids]
    moment = as_moment(now)
    if is_postgresql():
        lists = {"ids": arrays.int8s(waybill_ids), "is_due": arrays.bools(is_due), "is_urgent": arrays.bools(is_urgent)}
        return fetch(sql.LOCK[True], {**lists, "now": moment})
    rows = list(zip(waybill_ids, is_due, is_urgent, strict=True))
    execute(sql.LOCK[False], {"lanes": as_list(rows), "now": moment})
    return fetch(sql.ASLEEP_SQLITE, {"ids": as_list(waybill_ids), "now": moment})


def wake(waybill_ids: Sequence[int]) -> None:
    """Say when these (locked) lanes are due; one whose waybill has not been posted sleeps on."""
    execute(sql.WAKE[is_postgresql()], {"ids": as_list(waybill_ids), "order_wait": _order_wait()})


def claim(*, limit: int, now: datetime, decide: Decide) -> Claimed:
    """Lease up to `limit` due lanes and begin what `decide` says of their heads.

    `decide` is given the heads that are due and answers each with a Begin or a Move; it runs inside the claim's
    transaction and must not touch a network. What it begins is committed before this returns. Durable: inside a
    caller's transaction the attempts would not be, and a call could go out that no row knows of.
    """
    with transaction.atomic(durable=True):
        plan_by_keys()
        leases = _lease(limit, now)
        if not leases:
            return Claimed()
        _recover([waybill_id for waybill_id, lease in leases.items() if lease.was_lost], now)
        _coalesce(list(leases), now)
        heads = _heads(leases, now)
        _overtake(heads, now)
        decisions = decide([head for head in heads if _may_go(head, now)])
        attempts = _begin([decision for decision in decisions if isinstance(decision, Begin)], now)
        _move([(one.head.push_id, one.move) for one in decisions if isinstance(one, Settle)], now)
        kept = {attempt.head.waybill_id for attempt in attempts}
        _release({waybill_id: 0 for waybill_id in leases if waybill_id not in kept})
        return Claimed(attempts, len(leases))


def settle(results: Sequence[Result], *, now: datetime) -> list[Attempt]:
    """Record calls that ended; return the calls that begin in their stead.

    A result whose fence was lost closes its attempt and changes nothing else.
    """
    with transaction.atomic(savepoint=False):
        plan_by_keys()
        held = _held(results)
        _close([result.seen for result in results])
        kept = [result for result in results if result.seen.attempt.head.waybill_id in held]
        attempts = _begin([result.then for result in kept if isinstance(result.then, Begin)], now)
        _move([(one.seen.attempt.head.push_id, one.then) for one in kept if isinstance(one.then, Move)], now)
        _release(
            {
                one.seen.attempt.head.waybill_id: one.seen.attempt.head.action_time if one.has_reached else 0
                for one in kept
                if isinstance(one.then, Move)
            }
        )
        return attempts


def expire(*, now: datetime, limit: int = 1000) -> int:
    """End the pushes whose deadline has passed, whether they wait, retry or the line is stopped; return how many."""
    with transaction.atomic():
        ids = [row[0] for row in fetch(sql.PAST_DEADLINE[is_postgresql()], {"now": as_moment(now), "limit": limit})]
        if not ids:
            return 0
        parameters = {
            "ids": as_list(ids),
            "now": as_moment(now),
            "judged_before": as_moment(now - _JUDGEMENT),
        }
        expired = execute(sql.expire(is_postgresql()), parameters)
        wake(ids)
        return expired


def wake_sleepers(*, limit: int = 1000) -> int:
    """Wake lanes that sleep though they have pending pushes of a posted waybill; return how many."""
    with transaction.atomic():
        ids = sorted(row[0] for row in fetch(sql.SLEEPERS, {"limit": limit}))
        if ids:
            lock(ids)
            wake(ids)
        return len(ids)


def _order_wait() -> Any:
    wait = settings.PUSH.order_wait
    return wait if is_postgresql() else f"+{wait.total_seconds():.3f} seconds"


@dataclass(frozen=True, slots=True)
class _Lease:
    fence: int
    was_lost: bool
    """The claim before this one was never settled."""
    sent_through: int


def _lease(limit: int, now: datetime) -> dict[int, _Lease]:
    """Lease due lanes, those with a message first; return their leases by waybill."""
    leases = _lease_of(True, limit, now)
    if len(leases) < limit:
        leases |= _lease_of(False, limit - len(leases), now)
    return leases


def _lease_of(is_urgent: bool, limit: int, now: datetime) -> dict[int, _Lease]:
    parameters = {
        "now": as_moment(now),
        "until": as_moment(now + settings.PUSH.lease),
        "limit": limit,
        "is_urgent": is_urgent,
    }
    if is_postgresql():
        rows = fetch(sql.CLAIM, parameters)
    else:
        rows = fetch(sql.DUE_SQLITE, parameters)
        execute(sql.CLAIM_SQLITE, {"until": parameters["until"], "ids": as_list([row[0] for row in rows])})
    return {row[0]: _Lease(row[1], bool(row[2]), row[3]) for row in rows}


def _recover(waybill_ids: list[int], now: datetime) -> None:
    """Close the attempts of claims that were never settled; a pathnotify among them may have been done."""
    if not waybill_ids:
        return
    parameters = {"ids": as_list(waybill_ids), "now": as_moment(now)}
    ids = sql.IDS[is_postgresql()]
    for statement in sql.RECOVER[is_postgresql()]:
        execute(statement.format(ids=ids), parameters)


def _coalesce(waybill_ids: list[int], now: datetime) -> None:
    """End due pushes that a newer due one makes superfluous, for the types of `PUSH_COALESCE`."""
    codes = sorted(settings.PUSH.coalesce)
    if codes:
        lists = {"ids": as_list(waybill_ids), "codes": as_list(codes)}
        execute(sql.coalesce(is_postgresql()), lists | {"now": as_moment(now)})


def _heads(leases: dict[int, _Lease], now: datetime) -> list[Head]:
    """Return what each lane has to send.

    A statement of its own: in one with the lease, a snapshot from before it could see a push that was sent meanwhile.
    """
    rows = fetch(
        sql.heads(is_postgresql()),
        {"ids": as_list(list(leases)), "waited_since": as_moment(now - settings.PUSH.order_wait)},
    )
    return [_head(row, leases[row[1]], now) for row in rows]


def _head(row: Sequence[Any], lease: _Lease, now: datetime) -> Head:
    return Head(
        push_id=row[0],
        waybill_id=row[1],
        fence=lease.fence,
        claimed_at=now,
        leased_until=now + settings.PUSH.lease,
        action_time=row[2],
        action_type=row[3],
        tries=row[4],
        refusals=row[5],
        by_hand=bool(row[6]),
        trigger=row[7],
        in_doubt_since=read_moment_or_none(row[8]),
        not_before=read_moment(row[9]),
        deadline_at=read_moment(row[10]),
        path_digest=bytes(row[11]),
        path_sealed=bytes(row[12]),
        no=row[13],
        create_time=row[14],
        waybill_sealed=bytes(row[15]),
        receiver_phone_index=bytes(row[16]),
        regions=((row[17], row[18]), (row[19], row[20])),
        receiver_is_mobile=bool(row[21]),
        is_voided=bool(row[22]),
        sent_through=row[23],
        overtakes=bool(row[24]),
    )


def _may_go(head: Head, now: datetime) -> bool:
    return head.not_before <= now and not _is_late(head)


def _is_late(head: Head) -> bool:
    return head.action_time < head.sent_through


def _overtake(heads: Sequence[Head], now: datetime) -> None:
    """End what a message that waited long enough overtakes, and heads older than what WeChat has already."""
    ends = [(head.waybill_id, head.sent_through, 0) for head in heads if _is_late(head)]
    ends += [
        (head.waybill_id, head.action_time, head.push_id) for head in heads if head.overtakes and not _is_late(head)
    ]
    rows = [{"waybill_id": id_, "action_time": time, "push_id": push_id} for id_, time, push_id in ends]
    _write_each(sql.OVERTAKE, sql.OVERTAKE_SQLITE, rows, {"now": as_moment(now)})


def _begin(decisions: Sequence[Begin], now: datetime) -> list[Attempt]:
    """Write an open attempt for each decision."""
    as_uuid = uuid_writer()
    attempts = [Attempt(uuid7(), begin.head, begin.call, begin.request, now) for begin in decisions]
    rows = [
        {
            "id": as_uuid(attempt.id),
            "push_id": attempt.head.push_id,
            "call": attempt.call.value,
            "fence": attempt.head.fence,
            "trigger": attempt.head.trigger,
            "sealed": seal_attempt(attempt.id, AttemptDocument(attempt.request)),
        }
        for attempt in attempts
    ]
    _write_each(sql.BEGIN_ATTEMPTS, sql.BEGIN_ATTEMPT_SQLITE, rows, {"now": as_moment(now)})
    return attempts


def _close(seen: Sequence[Seen]) -> None:
    as_uuid = uuid_writer()
    rows = [
        {
            "id": as_uuid(one.attempt.id),
            "ended_at": as_moment(one.ended_at),
            "outcome": one.outcome.value,
            "errcode": one.errcode,
            "errmsg": one.errmsg[:512],
            "exist": one.exist,
            "sealed": seal_attempt(one.attempt.id, AttemptDocument(one.attempt.request, one.answer)),
        }
        for one in seen
    ]
    _write_each(sql.CLOSE_ATTEMPTS, sql.CLOSE_ATTEMPT_SQLITE, rows, {})


def _move(moves: Sequence[tuple[int, Move]], now: datetime) -> None:
    rows = [
        {
            "id": push_id,
            "state": move.state.value,
            "reason": move.reason.value,
            "not_before": as_moment(move.not_before) if move.state == PushState.PENDING else None,
            "settled_at": None if move.state == PushState.PENDING else as_moment(now),
            "tries": move.tries,
            "refusals": move.refusals,
            "in_doubt_since": as_moment(move.in_doubt_since),
        }
        for push_id, move in moves
    ]
    _write_each(sql.MOVE_PUSHES, sql.MOVE_PUSH_SQLITE, rows, {})


def _write_each(postgresql: str, sqlite: str, rows: Sequence[dict[str, Any]], constants: dict[str, Any]) -> None:
    """Run one statement over all rows: as arrays on PostgreSQL, row by row in SQLite's own process."""
    if not rows:
        return
    if is_postgresql():
        execute(postgresql, {name: [row[name] for row in rows] for name in rows[0]} | constants)
    else:
        execute_each(sqlite, [row | constants for row in rows])


def _held(results: Sequence[Result]) -> set[int]:
    """Lock the lanes whose fence still holds; return their waybills."""
    fences = {result.seen.attempt.head.waybill_id: result.seen.attempt.head.fence for result in results}
    ids = sorted(fences)
    if is_postgresql():
        rows = fetch(sql.LOCK_FENCED, {"ids": ids, "fences": [fences[id_] for id_ in ids]})
        return {row[0] for row in rows}
    rows = fetch(sql.FENCED_SQLITE, {"ids": as_list(ids)})
    return {waybill_id for waybill_id, fence in rows if fences[waybill_id] == fence}


def _release(sent_through: dict[int, int]) -> None:
    """End these leases. sent_through: the newest action_time that WeChat has, by waybill; 0: nothing new."""
    if not sent_through:
        return
    if is_postgresql():
        execute(
            sql.RELEASE[True],
            {
                "ids": list(sent_through),
                "sent_through": list(sent_through.values()),
                "order_wait": _order_wait(),
            },
        )
        return
    execute_each(
        sql.RELEASE[False],
        [{"id": id_, "sent_through": moment, "order_wait": _order_wait()} for id_, moment in sent_through.items()],
    )
