"""Judges a push whose outcome is not known: did WeChat act, although its answer was lost?

The proof is a back-query of that waybill answered with 0, received after this pathnotify began and at least 20 seconds
after the waybill's previous pathnotify ended: WeChat repeats a back-query for 15 seconds, so an earlier one may be a
late copy that belongs to the push before.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db.models import Max, Q

from waybills.lanes import Head
from waybills.models import Call, PushAttempt
from wechat.models import Callback, CallbackOutcome
from wechat.retry import JUDGED_AFTER


def proven(heads: Sequence[Head]) -> set[int]:
    """Return the ids of those pushes that are in doubt and that WeChat has asked back for."""
    doubted = {head: head.in_doubt_since for head in heads if head.in_doubt_since is not None}
    if not doubted:
        return set()
    ends = _previous_ends(doubted)
    since = {head.no: _counts_from(began, ends.get(head.waybill_id)) for head, began in doubted.items()}
    asked = Callback.objects.filter(
        _any_of(since), outcome=CallbackOutcome.ANSWERED, result_code=0, event="waybill_notify_query"
    )
    proofs = set(asked.values_list("waybill_no", flat=True))
    return {head.push_id for head in doubted if head.no in proofs}


def _counts_from(began: datetime, previous_end: datetime | None) -> datetime:
    return began if previous_end is None else max(began, previous_end + JUDGED_AFTER)


def _previous_ends(doubted: Mapping[Head, datetime]) -> dict[int, datetime]:
    """Return when the pathnotify before the doubted one ended, by waybill; those without one are missing."""
    before = Q()
    for head, began in doubted.items():
        before |= Q(push__waybill_id=head.waybill_id, started_at__lt=began)
    return dict(
        PushAttempt.objects.filter(before, call=Call.PATHNOTIFY, ended_at__isnull=False)
        .order_by()
        .values_list("push__waybill_id")
        .annotate(Max("ended_at"))
    )


def _any_of(since: dict[str, datetime]) -> Q:
    asked = Q()
    for no, moment in since.items():
        asked |= Q(waybill_no=no, received_at__gte=moment)
    return asked
