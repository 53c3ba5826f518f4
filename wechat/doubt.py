"""Judges a push whose outcome is not known: did WeChat act, although its answer was lost?

The proof is a back-query of that waybill answered with 0, received after this pathnotify began and at least 20 seconds
after the waybill's previous pathnotify ended: WeChat repeats a back-query for 15 seconds, so an earlier one may be a
late copy that belongs to the push before.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Max, Q

from waybills.lanes import Head
from waybills.models import Call, PushAttempt
from wechat.models import Callback, CallbackOutcome
from wechat.retry import JUDGED_AFTER


def proven(heads: Sequence[Head]) -> set[int]:
    """Return the ids of those pushes that WeChat has asked back for. heads: pushes in doubt."""
    if not heads:
        return set()
    since = {head.no: _counts_from(head, _previous_ends(heads)) for head in heads}
    asked = Callback.objects.filter(
        _any_of(since), outcome=CallbackOutcome.ANSWERED, result_code=0, event="waybill_notify_query"
    )
    proofs = set(asked.values_list("waybill_no", flat=True))
    return {head.push_id for head in heads if head.no in proofs}


def _counts_from(head: Head, previous_ends: dict[int, datetime]) -> datetime:
    began = head.in_doubt_since
    if began is None:
        raise ValueError(f"push {head.push_id} is not in doubt")
    previous_end = previous_ends.get(head.push_id)
    return began if previous_end is None else max(began, previous_end + JUDGED_AFTER)


def _previous_ends(heads: Sequence[Head]) -> dict[int, datetime]:
    """Return when the waybill's pathnotify before the doubted one ended, by push; those without one are missing."""
    before = Q()
    for head in heads:
        before |= Q(push__waybill_id=head.waybill_id, started_at__lt=head.in_doubt_since)
    ends = dict(
        PushAttempt.objects.filter(before, call=Call.PATHNOTIFY, ended_at__isnull=False)
        .order_by()
        .values_list("push__waybill_id")
        .annotate(Max("ended_at"))
    )
    return {head.push_id: ends[head.waybill_id] for head in heads if head.waybill_id in ends}


def _any_of(since: dict[str, datetime]) -> Q:
    asked = Q()
    for no, moment in since.items():
        asked |= Q(waybill_no=no, received_at__gte=moment)
    return asked
