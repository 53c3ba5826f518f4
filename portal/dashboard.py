"""The desk's first page: whether anything can go out, and today in a few numbers.

Each number costs an index range, and is bounded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet, Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from waybills import schedules
from waybills.admin.settled_filter import midnight
from waybills.models import CarrierCode, Push, PushState
from waybills.services import line_status
from wechat.holdup import token_trouble
from wechat.models import CallbackRefusal

MOST_COUNTED = 10_000
"""A count stops here: the page must not cost more on the busiest day."""


_SWEEP_IS_OVERDUE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Sweep:
    """When a worker last looked for what is due; None: never. is_overdue: none seems to run."""

    at: datetime | None
    is_overdue: bool


@dataclass(frozen=True, slots=True)
class Number:
    """One figure with the list that it counts."""

    label: Promise
    shown: str
    colour: str
    link: str
    note: str | Promise = ""


def add_dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Return the index page's context with what this person may see."""
    user = request.user
    now = timezone.now()
    context["title"] = _("Overview")
    context["may_search"] = user.has_perm("waybills.view_waybill")
    line = line_status() if user.has_perm("waybills.view_line") else None
    context["line"] = line
    context["sweep"] = last_sweep(now) if line is not None else None
    # A line that a code stopped says what to do itself.
    may_see_trouble = user.has_perm("waybills.view_push") and (line is None or line.code is None)
    context["token_trouble"] = token_trouble(now) if may_see_trouble else None
    context["may_operate"] = user.has_perm("waybills.operate_line")
    context["numbers"] = _numbers(request, now)
    context["failures"] = failed_today(now)[:8] if user.has_perm("waybills.view_push") else ()
    return context


def last_sweep(now: datetime) -> Sweep:
    """Return when the workers last swept; they do so every few seconds, whether or not there is anything to send."""
    at = schedules.last_run(schedules.SWEEP)
    return Sweep(at, is_overdue=at is None or now - at > _SWEEP_IS_OVERDUE)


def failed_today(now: datetime) -> QuerySet[Push]:
    """Return the pushes that failed or whose outcome stayed unknown since midnight, newest first."""
    return (
        Push.objects.filter(settled_at__gte=midnight(now), state__in=[PushState.FAILED, PushState.UNKNOWN])
        .select_related("waybill")
        .order_by("-settled_at", "-pk")
    )


def _numbers(request: HttpRequest, now: datetime) -> Sequence[Number]:
    numbers: list[Number] = []
    if request.user.has_perm("waybills.view_push"):
        numbers += _push_numbers(now)
    if request.user.has_perm("wechat.view_callbackrefusal"):
        numbers.append(_refused_callbacks(now))
    if request.user.has_perm("waybills.view_carriercode"):
        numbers += _unmapped_codes()
    return numbers


def _push_numbers(now: datetime) -> Sequence[Number]:
    pushes = reverse("admin:waybills_push_changelist")
    sent = Push.objects.filter(settled_at__gte=midnight(now), state=PushState.SENT)
    failed = count_up_to(failed_today(now))
    return [
        Number(_("Waiting to be sent"), count_up_to(Push.objects.pending()), "busy", f"{pushes}?state__exact=pending"),
        Number(_("Sent today"), count_up_to(sent), "good", f"{pushes}?state__exact=sent&settled=today"),
        Number(
            _("Failed today"),
            failed,
            "quiet" if failed == "0" else "bad",
            f"{pushes}?state__exact=failed&settled=today",
            _("with those whose outcome is unknown"),
        ),
    ]


def _refused_callbacks(now: datetime) -> Number:
    recent = CallbackRefusal.objects.filter(hour__gt=now - timedelta(hours=1))
    count = recent.aggregate(total=Sum("count"))["total"] or 0
    return Number(
        _("Callbacks refused"),
        f"{count:,}",
        "bad" if count else "quiet",
        reverse("admin:wechat_callbackrefusal_changelist"),
        _("in the last hour"),
    )


def _unmapped_codes() -> Sequence[Number]:
    count = CarrierCode.objects.filter(action_type__isnull=True).count()
    if not count:
        return []
    codes = reverse("admin:waybills_carriercode_changelist")
    return [Number(_("Codes not mapped yet"), f"{count:,}", "doubt", f"{codes}?mapped=no")]


def count_up_to(rows: QuerySet[Any], most: int = MOST_COUNTED) -> str:
    """Return how many rows there are as text; beyond `most`, that with a plus sign."""
    count = rows.order_by().values("pk")[: most + 1].count()
    return f"{most:,}+" if count > most else f"{count:,}"
