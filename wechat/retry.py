"""What becomes of a push after a call, and when it is tried again: pure functions over `wechat.error_codes`.

A push is retried until its deadline, with exponential waits; `THREE_TRIES` codes three times only. An outcome that is
not known is judged 20 seconds later (`wechat.doubt`), since repeating it at once could message the user twice.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from waybills.lanes import Move
from waybills.models import Call, Outcome, PushReason, PushState
from wechat.client import Reading, Reply
from wechat.error_codes import STOPS, Reaction, reaction_to

JUDGED_AFTER = timedelta(seconds=20)
"""WeChat repeats a back-query for 15 seconds: by then its proof, if there is one, has been written."""
LONGEST_WAIT = timedelta(minutes=10)
TRIES_OF_THREE = 3
_CHINA = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class History:
    """What a push has been through before this call."""

    tries: int
    refusals: int


def wait_before(tries: int, first: timedelta, rng: Random) -> timedelta:
    """Return how long to wait after so many failed tries: doubling, capped, with a jitter of a quarter.

    >>> wait_before(1, timedelta(seconds=8), Random(1)) <= timedelta(seconds=8)
    True
    """
    longest: timedelta = min(first * 2 ** min(max(tries - 1, 0), 16), LONGEST_WAIT)
    return longest * (0.75 + 0.25 * rng.random())


def outcome_of(call: Call, reply: Reply) -> Outcome:
    """Return how the attempt is closed."""
    if reply.reading is Reading.NOT_SENT:
        return Outcome.FAILED
    if reply.reading is Reading.LOST or reply.errcode is None:
        return Outcome.UNKNOWN if call == Call.PATHNOTIFY else Outcome.FAILED
    reaction = reaction_to(reply.errcode)
    if reaction is Reaction.SETTLE:
        return Outcome.OK if reply.exist is not None else _without_exist(call)
    return Outcome.REFUSED if reaction in {Reaction.FINAL, Reaction.THREE_TRIES} else Outcome.FAILED


def _without_exist(call: Call) -> Outcome:
    # Done, says errcode 0; but whether a message went out only `exist` could say.
    return Outcome.UNKNOWN if call == Call.PATHNOTIFY else Outcome.FAILED


def after_failure(
    call: Call, reply: Reply, history: History, *, started_at: datetime, now: datetime, first: timedelta, rng: Random
) -> Move:
    """Return what becomes of a push whose call did not end with errcode 0 and an `exist`."""
    outcome = outcome_of(call, reply)
    tries = history.tries + 1
    asked = timedelta(seconds=min(reply.retry_after or 0, LONGEST_WAIT.total_seconds()))
    if outcome is Outcome.UNKNOWN:
        return Move(
            PushState.PENDING,
            PushReason.IN_DOUBT,
            # Without proof it goes again at once: not before the far side lets it.
            not_before=now + max(JUDGED_AFTER, asked),
            tries=tries,
            refusals=history.refusals,
            in_doubt_since=started_at,
        )
    reaction = reaction_to(reply.errcode) if reply.errcode is not None else Reaction.LOST
    if reaction is Reaction.FINAL:
        return Move(PushState.FAILED, PushReason.REFUSED, tries=tries, refusals=history.refusals + 1)
    refusals = history.refusals + (reaction is Reaction.THREE_TRIES)
    if refusals >= TRIES_OF_THREE:
        return Move(PushState.FAILED, PushReason.TRIES_USED_UP, tries=tries, refusals=refusals)
    if reaction in STOPS:
        # No fault of this push: it goes first when the line runs again.
        return Move(PushState.PENDING, PushReason.LINE_STOPPED, now, tries=history.tries, refusals=refusals)
    wait = max(wait_before(tries, first, rng), asked)
    return Move(PushState.PENDING, PushReason.RETRYING, now + wait, tries=tries, refusals=refusals)


def probe_after(reaction: Reaction, now: datetime, every: timedelta) -> datetime | None:
    """Return when a line stopped for this reaction is probed; None: a person resumes it.

    >>> from datetime import UTC
    >>> probe_after(Reaction.STOP_UNTIL_MIDNIGHT, datetime(2026, 11, 24, 12, tzinfo=UTC), timedelta()).isoformat()
    '2026-11-25T00:00:00+08:00'
    """
    if reaction is Reaction.STOP_AND_PROBE:
        return now + every
    if reaction is Reaction.STOP_UNTIL_MIDNIGHT:
        tomorrow = now.astimezone(_CHINA).date() + timedelta(days=1)
        return datetime.combine(tomorrow, time.min, _CHINA)
    return None
