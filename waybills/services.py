"""What persons and service accounts do: each a transaction of its own that records the act.

Nothing here knows a request; `actor` is the user whose act it is.
"""

import logging
from collections.abc import Sequence

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from waybills import cells as cell_rules
from waybills import lanes, settlement
from waybills.cells import CellItem
from waybills.doorbell import ring
from waybills.ingest import deadline_after
from waybills.line import LineStatus, current_line, line_status
from waybills.models import Act, Cell, Lane, Line, Path, Push, PushReason, PushState, Waybill

logger = logging.getLogger(__name__)

__all__ = [
    "CellItem",
    "LineStatus",
    "PushNotCancellable",
    "PushNotResendable",
    "cancel_push",
    "line_status",
    "publish_cells",
    "published_cells",
    "push_now",
    "resend_push",
    "resume_line",
    "stop_line",
    "void_path",
]


class PushNotResendable(Exception):
    """A push that cannot go again. code: pending, sent, overtaken, path_voided or waiting_for_waybill."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class PushNotCancellable(Exception):
    """A push that cannot be taken back. code: being_sent or its state."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def resend_push(*, push: Push, actor: AbstractBaseUser, reason: str = "") -> None:
    """Let a push that has ended go again, by hand. Raise PushNotResendable."""
    now = timezone.now()
    with transaction.atomic():
        lane, push = _locked(push)
        _check_resendable(lane, push)
        settlement.keep(push.settled_in)
        push.state, push.reason = PushState.PENDING, PushReason.NONE
        push.not_before, push.settled_at, push.settled_in = now, None, None
        push.deadline_at = deadline_after(now, push.action_type)
        push.tries = push.refusals = 0
        push.by_hand, push.trigger = True, f"user:{actor.get_username()}"
        push.save(
            update_fields=[
                "state",
                "reason",
                "not_before",
                "settled_at",
                "settled_in",
                "deadline_at",
                "tries",
                "refusals",
                "by_hand",
                "trigger",
            ]
        )
        Act.objects.record(actor, Act.Verb.RESEND, target=f"push {push.pk}", waybill_no=push.waybill.no, reason=reason)
        lanes.wake([push.waybill_id])
    ring()


def _check_resendable(lane: Lane, push: Push) -> None:
    if push.state in {PushState.PENDING, PushState.SENT}:
        raise PushNotResendable(push.state)
    if push.path.voided_at is not None:
        raise PushNotResendable("path_voided")
    if push.waybill.posted_at is None:
        raise PushNotResendable("waiting_for_waybill")
    if push.action_time < lane.sent_through:
        raise PushNotResendable("overtaken")


def push_now(*, push: Push, actor: AbstractBaseUser) -> None:
    """Make a pending push due at once, by hand; what stands before it in its lane still goes first."""
    with transaction.atomic():
        _, push = _locked(push)
        if push.state != PushState.PENDING:
            raise PushNotResendable(push.state)
        push.not_before, push.by_hand, push.trigger = timezone.now(), True, f"user:{actor.get_username()}"
        push.save(update_fields=["not_before", "by_hand", "trigger"])
        Act.objects.record(actor, Act.Verb.PUSH, target=f"push {push.pk}", waybill_no=push.waybill.no)
        lanes.wake([push.waybill_id])
    ring()


def cancel_push(*, push: Push, actor: AbstractBaseUser, reason: str = "") -> None:
    """End a pending push that is not being sent. Raise PushNotCancellable."""
    with transaction.atomic():
        lane, push = _locked(push)
        if push.state != PushState.PENDING:
            raise PushNotCancellable(push.state)
        if lane.leased:
            raise PushNotCancellable("being_sent")
        _cancel([push.pk], PushReason.BY_HAND)
        Act.objects.record(actor, Act.Verb.CANCEL, target=f"push {push.pk}", waybill_no=push.waybill.no, reason=reason)
        lanes.wake([push.waybill_id])


def _cancel(push_ids: Sequence[int], reason: PushReason) -> None:
    Push.objects.pending().filter(pk__in=push_ids).update(
        state=PushState.CANCELLED,
        reason=reason,
        settled_at=timezone.now(),
        settled_in=settlement.SettledIn(),
        not_before=None,
        in_doubt_since=None,
    )


def void_path(*, no: str, action_time: int, action_type: int, actor: AbstractBaseUser, reason: str) -> int:
    """Take a scan made by mistake off the trail and cancel its pending push; return how many events that were.

    A push that is being sent at this moment is not called back: its result is recorded, and it is not tried again.
    """
    with transaction.atomic():
        waybill_id = Waybill.objects.filter(no=no).values_list("pk", flat=True).first()
        if waybill_id is None:
            return 0
        lanes.lock([waybill_id])
        paths = list(
            Path.objects.filter(
                waybill_id=waybill_id, action_time=action_time, action_type=action_type, voided_at__isnull=True
            ).select_related("push")
        )
        if not paths:
            return 0
        Path.objects.filter(pk__in=[path.pk for path in paths]).update(voided_at=timezone.now())
        if not Lane.objects.get(pk=waybill_id).leased:
            _cancel([path.push.pk for path in paths], PushReason.PATH_VOIDED)
        Act.objects.record(actor, Act.Verb.VOID, target=f"{action_type} @ {action_time}", waybill_no=no, reason=reason)
        lanes.wake([waybill_id])
        return len(paths)


def stop_line(*, actor: AbstractBaseUser, reason: str) -> None:
    """Stop all pushing until a person resumes it."""
    with transaction.atomic():
        line = current_line()
        line.state, line.code, line.remedy, line.probe_at = Line.State.STOPPED, None, "", None
        line.reason, line.since = reason, timezone.now()
        line.save(update_fields=["state", "code", "reason", "remedy", "since", "probe_at"])
        Act.objects.record(actor, Act.Verb.STOP_LINE, target="line", reason=reason)
    logger.warning("the line was stopped by %s", actor.get_username())


def resume_line(*, actor: AbstractBaseUser, reason: str = "") -> None:
    """Let the line run, whoever or whatever stopped it."""
    with transaction.atomic():
        line = current_line()
        line.state, line.code, line.remedy, line.probe_at = Line.State.RUNNING, None, "", None
        line.reason, line.since, line.token_refusals = "", timezone.now(), 0
        line.save(update_fields=["state", "code", "reason", "remedy", "since", "probe_at", "token_refusals"])
        Act.objects.record(actor, Act.Verb.RESUME_LINE, target="line", reason=reason)
    logger.warning("the line was resumed by %s", actor.get_username())
    ring()


def published_cells() -> list[CellItem]:
    """Return the landing page's cells in their order."""
    return [CellItem(*row) for row in Cell.objects.values_list("key", "name", "link")]


def publish_cells(*, cells: Sequence[CellItem], actor: AbstractBaseUser) -> None:
    """Replace the published set. Raise InvalidCells where it cannot be published."""
    cell_rules.check(cells)
    with transaction.atomic():
        Cell.objects.all().delete()
        Cell.objects.bulk_create(
            Cell(key=cell.key, name=cell.name, link=cell.link, position=position) for position, cell in enumerate(cells)
        )
        Act.objects.record(actor, Act.Verb.EDIT_CELLS, target=f"{len(cells)} cells")


def _locked(push: Push) -> tuple[Lane, Push]:
    """Lock a push's lane; return both as they are now."""
    lanes.lock([push.waybill_id])
    fresh = Push.objects.select_related("waybill", "path").get(pk=push.pk)
    return Lane.objects.get(pk=push.waybill_id), fresh
