"""What to do with a claimed push, before any call and after each one."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from random import Random

from django.conf import settings

from waybills.action_types import MESSAGE_TYPES
from waybills.cleaning import normalise_phone
from waybills.documents import Contact
from waybills.lanes import Attempt, Begin, Head, Move, Result, Seen, Settle
from waybills.models import Call, Outcome, PushReason, PushState
from waybills.sealing import SealBroken
from wechat import bindings, doubt
from wechat.client import Reading, Reply, pathnotify_body, userquery_body
from wechat.error_codes import Reaction, reaction_to
from wechat.retry import JUDGED_AFTER, History, after_failure, outcome_of, wait_before

logger = logging.getLogger(__name__)


def decide(heads: Sequence[Head], *, now: datetime, rng: Random) -> list[Begin | Settle]:
    """Return for each due head the call that begins, or how it ends without one."""
    bound = bindings.remembered((head.receiver_phone_index for head in heads), now)
    proven = doubt.proven(heads)
    return [_decide(head, bound.get(head.receiver_phone_index), head.push_id in proven, now, rng) for head in heads]


def _decide(head: Head, bound: bool | None, is_proven: bool, now: datetime, rng: Random) -> Begin | Settle:
    def next_step() -> Begin | Move:
        return _end_before_calling(head, is_proven, now, rng) or _first_call(head, bound)

    step = _unless_poisoned(head, next_step, now, rng)
    return Settle(head, step) if isinstance(step, Move) else step


def _unless_poisoned(head: Head, next_step: Callable[[], Begin | Move], now: datetime, rng: Random) -> Begin | Move:
    """Return the next step; where it cannot be told, a wait: one poisoned waybill must not hold up its batch."""
    try:
        return next_step()
    except SealBroken as error:
        # Kept, not failed: with the right key in place it goes by itself.
        logger.error("push %d of waybill %s: %s", head.push_id, head.no, error)
        return _postpone(head, PushReason.UNREADABLE, now, rng)
    except Exception:
        logger.exception("push %d of waybill %s could not be decided", head.push_id, head.no)
        return _postpone(head, PushReason.RETRYING, now, rng)


def _postpone(head: Head, reason: PushReason, now: datetime, rng: Random) -> Move:
    wait = wait_before(head.tries + 1, settings.PUSH.retry_first, rng)
    return _stay(head, reason, now + wait, head.tries + 1)


def _end_before_calling(head: Head, is_proven: bool, now: datetime, rng: Random) -> Move | None:
    """Return how a push ends, or waits on, without a call; None where it is to be sent."""
    if head.is_voided:
        return _end(head, PushState.CANCELLED, PushReason.PATH_VOIDED)
    if head.in_doubt_since is not None and head.in_doubt_since + JUDGED_AFTER > now:
        # Due early: its worker died under a short lease, or a person pushed it. Its proof may be still to come.
        return _keep_in_doubt(head, head.in_doubt_since)
    if is_proven and head.action_type in MESSAGE_TYPES:
        return _end(head, PushState.UNKNOWN, PushReason.ANSWER_LOST)
    if head.deadline_at <= now:
        return _end(head, PushState.EXPIRED, PushReason.PAST_DEADLINE)
    if head.in_doubt_since is not None:
        # Judged, without proof: an ordinary retry, whose wait began with the attempt.
        due = head.in_doubt_since + wait_before(head.tries, settings.PUSH.retry_first, rng)
        if due > now:
            return _stay(head, PushReason.RETRYING, due, head.tries)
    if not head.receiver_is_mobile:
        return _end(head, PushState.SKIPPED, PushReason.PHONE_NOT_MOBILE)
    return None


def _first_call(head: Head, bound: bool | None) -> Begin | Move:
    sender, receiver = head.contacts()
    only = settings.PUSH.only_phones
    if only and receiver.phone not in {normalise_phone(phone) for phone in only}:
        return _end(head, PushState.SKIPPED, PushReason.PHONE_EXCLUDED)
    if bound:
        return _notify(head, sender, receiver)
    if bound is False and not (head.by_hand or head.action_type in MESSAGE_TYPES or settings.PUSH.send_unbound):
        return _end(head, PushState.UNBOUND, PushReason.REMEMBERED_UNBOUND)
    return Begin(head, Call.USERQUERY, userquery_body(receiver.phone))


def _notify(head: Head, sender: Contact, receiver: Contact) -> Begin:
    body = pathnotify_body(
        no=head.no,
        create_time=head.create_time,
        sender=sender,
        receiver=receiver,
        action_time=head.action_time,
        action_type=head.action_type,
        document=head.document(),
    )
    return Begin(head, Call.PATHNOTIFY, body)


def conclude(attempt: Attempt, reply: Reply, *, is_repeat: bool, now: datetime, rng: Random) -> Result:
    """Return what follows from a call. is_repeat: it was made again with a renewed token."""
    seen = Seen(
        attempt,
        now,
        outcome_of(attempt.call, reply),
        answer=reply.seen,
        errcode=reply.errcode,
        errmsg=reply.errmsg,
        exist=reply.exist,
    )
    if seen.outcome is Outcome.OK:
        return _after_success(seen, reply.exist == 1, now, rng)
    if is_token_refused(reply) and not is_repeat:
        return Result(seen, Begin(attempt.head, attempt.call, attempt.request))
    move = after_failure(
        attempt.call,
        reply,
        History(attempt.head.tries, attempt.head.refusals),
        started_at=attempt.started_at,
        now=now,
        first=settings.PUSH.retry_first,
        rng=rng,
    )
    return Result(seen, move, has_reached=seen.outcome is Outcome.UNKNOWN)


def is_token_refused(reply: Reply) -> bool:
    """Return whether WeChat refused the access token."""
    return (
        reply.reading is Reading.ANSWERED
        and reply.errcode is not None
        and reaction_to(reply.errcode) is Reaction.RENEW_TOKEN
    )


def _after_success(seen: Seen, is_bound: bool, now: datetime, rng: Random) -> Result:
    head = seen.attempt.head
    if seen.attempt.call == Call.PATHNOTIFY:
        end = (
            _end(head, PushState.SENT, PushReason.NONE)
            if is_bound
            else _end(head, PushState.UNBOUND, PushReason.ANSWERED_UNBOUND)
        )
        return Result(seen, end, has_reached=True)
    if is_bound or settings.PUSH.send_unbound:
        return Result(seen, _unless_poisoned(head, lambda: _notify(head, *head.contacts()), now, rng))
    return Result(seen, _end(head, PushState.UNBOUND, PushReason.ANSWERED_UNBOUND))


def _end(head: Head, state: PushState, reason: PushReason) -> Move:
    return Move(state, reason, tries=head.tries, refusals=head.refusals)


def _keep_in_doubt(head: Head, since: datetime) -> Move:
    return replace(_stay(head, PushReason.IN_DOUBT, since + JUDGED_AFTER, head.tries), in_doubt_since=since)


def _stay(head: Head, reason: PushReason, not_before: datetime, tries: int) -> Move:
    return Move(PushState.PENDING, reason, not_before, tries=tries, refusals=head.refusals)
