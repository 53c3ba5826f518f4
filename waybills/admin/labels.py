"""How states, outcomes and moments look: one colour for one meaning, everywhere on the desk."""

from datetime import UTC, datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from waybills.models import Outcome, PushState

PUSH_STATE_COLOURS = {
    PushState.PENDING: "info",
    PushState.SENT: "success",
    PushState.UNBOUND: "",
    PushState.SKIPPED: "",
    PushState.FAILED: "danger",
    PushState.UNKNOWN: "warning",
    PushState.EXPIRED: "warning",
    PushState.CANCELLED: "",
}
OUTCOME_COLOURS = {
    Outcome.OPEN: "info",
    Outcome.OK: "success",
    Outcome.REFUSED: "danger",
    Outcome.FAILED: "danger",
    Outcome.UNKNOWN: "warning",
}


def show_trigger(trigger: str) -> str:
    """Return what made a push or call happen: the event itself, or the name of who asked for it."""
    if trigger == "event":
        return str(_("by itself"))
    return trigger.removeprefix("user:")


def from_wire(seconds: int | None) -> datetime | None:
    """Return the moment of a wire's Unix seconds, in the desk's time zone; None where there is none.

    A number that no calendar knows gives None as well: the carrier's clock is not ours.
    """
    if seconds is None:
        return None
    try:
        return timezone.localtime(datetime.fromtimestamp(seconds, UTC))
    except (OverflowError, ValueError, OSError):
        return None


def show_wire_time(seconds: int | None) -> str:
    """Return a wire's time as the desk writes moments; the number itself where no calendar knows it."""
    moment = from_wire(seconds)
    if moment is None:
        return "" if seconds is None else str(seconds)
    return date_format(moment, "Y-m-d H:i:s")
