"""Records calls that ended, and what they say of phones, of the line and of the budget."""

import logging
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from waybills import lanes, line
from waybills.lanes import Attempt, Begin, Move, Result, Seen
from waybills.models import Call, Line, Outcome, PushReason, PushState
from waybills.repeats import settled_before
from wechat import bindings, budget
from wechat.client import Reading, Reply
from wechat.decisions import conclude, is_token_refused
from wechat.error_codes import OK, QUOTA_USED_UP, STOPS, Explanation, Reaction, explain
from wechat.retry import probe_after

logger = logging.getLogger(__name__)

_REFUSED_IN_A_ROW = 3
_TOKEN_REMEDY = _("Make sure that no other system renews this mini program's token (/cgi-bin/token, force_refresh).")


@dataclass(frozen=True, slots=True)
class Ended:
    """A call that came to an end."""

    attempt: Attempt
    reply: Reply
    token_version: int
    is_repeat: bool


def record_again(batch: list[Ended], rng: Random, *, is_last: bool = False) -> list[Attempt]:
    """Record calls whose record failed, or was done and only its answer was lost; return the calls that begin."""
    settled, begun = settled_before([one.attempt for one in batch])
    missing = [one for one in batch if one.attempt.id not in settled]
    return begun + (record(missing, rng, is_last=is_last) if missing else [])


def record(batch: list[Ended], rng: Random, *, is_last: bool = False) -> list[Attempt]:
    """Record calls that ended, with what they say of phones and of the line; return the calls that begin.

    is_last: none begins, since the process is about to end; their pushes are due again at once.
    """
    now = timezone.now()
    results = [conclude(one.attempt, one.reply, is_repeat=one.is_repeat, now=now, rng=rng) for one in batch]
    if is_last:
        results = [_hold_back(one, PushReason.NONE, now) for one in results]
    with transaction.atomic():
        # Whole or not at all: a batch that is recorded again must not begin its next calls twice.
        current = line.current_line()
        begun = lanes.settle(_held_back(results, batch, current, now), now=now)
        said = {one.attempt.head.receiver_phone_index: one.reply.exist == 1 for one in batch if _tells_something(one)}
        if said:
            bindings.remember(said, now)
        _move_line(batch, current, now)
        budget.adjust(len(begun))
    _log(results)
    return begun


def _log(results: list[Result]) -> None:
    """Tell the engineer on call: one line a batch for what is tried again, one a push for what ended."""
    failed = Counter(_in_a_word(one.seen) for one in results if one.seen.outcome is not Outcome.OK)
    if failed:
        logger.warning("calls that failed: %s", ", ".join(f"{count} x {what}" for what, count in failed.items()))
    for one in results:
        if isinstance(one.then, Move) and one.then.state in {PushState.FAILED, PushState.UNKNOWN}:
            head = one.seen.attempt.head
            logger.warning("push %d of waybill %s ended: %s", head.push_id, head.no, one.then.reason)


def _in_a_word(seen: Seen) -> str:
    return f"{seen.attempt.call} {seen.outcome} {seen.errcode if seen.errcode is not None else seen.errmsg}"


def _held_back(results: list[Result], batch: list[Ended], current: Line, now: datetime) -> list[Result]:
    """Return the results without the calls that a stopped line must not begin; a probe's own go on."""
    stopped_at = current.since if current.state == Line.State.STOPPED else None
    if _that_ask_for(STOPS, batch):
        stopped_at = now
    if stopped_at is None:
        return results
    return [
        _hold_back(one, PushReason.LINE_STOPPED, now) if one.seen.attempt.head.claimed_at < stopped_at else one
        for one in results
    ]


def _hold_back(result: Result, reason: PushReason, now: datetime) -> Result:
    """Return the result with a push that is due in place of a next call."""
    if not isinstance(result.then, Begin):
        return result
    head = result.seen.attempt.head
    wait = Move(PushState.PENDING, reason, now, tries=head.tries, refusals=head.refusals)
    return replace(result, then=wait)


def _tells_something(ended: Ended) -> bool:
    """Return whether an answer is news of a phone: that it is bound, a pathnotify's own userquery has told already."""
    reply = ended.reply
    if reply.reading is not Reading.ANSWERED or reply.errcode != OK or reply.exist is None:
        return False
    return ended.attempt.call == Call.USERQUERY or reply.exist == 0


def _move_line(batch: list[Ended], current: Line, now: datetime) -> None:
    """Stop the line for the codes that ask for it; resume it after a probe that was answered otherwise."""
    stopping = _that_ask_for(STOPS, batch)
    if stopping:
        stop_line(*stopping[0])
        return
    refused = _that_ask_for({Reaction.RENEW_TOKEN}, [one for one in batch if one.is_repeat])
    accepted = [one for one in batch if one.reply.reading is Reading.ANSWERED and not is_token_refused(one.reply)]
    if refused or (current.token_refusals and accepted):
        count = line.count_token_refusals(len(refused), bool(accepted))
        if refused and count >= _REFUSED_IN_A_ROW:
            stop_line(*refused[-1], remedy=_TOKEN_REMEDY)
            return
    if any(_proves_healed(one, current) for one in accepted) and line.resume_by_probe(now=now):
        logger.warning("the line runs again: a probe was answered")


def _proves_healed(ended: Ended, stopped: Line) -> bool:
    """Return whether an accepted call shows that the cause of a stop has gone.

    Calls that were under way when the line stopped show nothing; a quota is counted for each interface, and only
    pathnotify's is worth a line that runs.
    """
    if stopped.probe_at is None or ended.attempt.head.claimed_at < stopped.since:
        return False
    return ended.attempt.call == Call.PATHNOTIFY or stopped.code != QUOTA_USED_UP


def _that_ask_for(reactions: Collection[Reaction], batch: list[Ended]) -> list[tuple[Reply, Explanation]]:
    """Return those of WeChat's answers that ask for one of these reactions, and what they mean."""
    told = [(one.reply, explain(one.reply.errcode)) for one in batch if one.reply.reading is Reading.ANSWERED]
    return [(reply, cause) for reply, cause in told if cause is not None and cause.reaction in reactions]


def stop_line(reply: Reply, cause: Explanation, *, remedy: str | Promise = "") -> None:
    """Stop the line for what WeChat answered. cause: what its code means. remedy: where it differs from the cause's."""
    now = timezone.now()
    probe_at = probe_after(cause.reaction, now, settings.PUSH.line_probe)
    told = str(remedy or cause.remedy)
    if line.stop_by_code(code=cause.code, reason=reply.errmsg, remedy=told, probe_at=probe_at, now=now):
        logger.error("the line is stopped: %s %r", cause.code, reply.errmsg)
