"""What a person can do to a push: one list for the waybill's page and the list of pushes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from waybills.line import current_line
from waybills.models import Line, Push, PushState
from waybills.services import PushNotCancellable, PushNotResendable, cancel_push, push_now, resend_push

PERMISSION = "waybills.send_push"


@dataclass(frozen=True)
class Operation:
    """One verb: its words, the states it starts from, and the service that does it."""

    name: str
    label: Promise
    icon: str
    question: Promise
    """What the page asks before it is done."""
    starts_from: frozenset[PushState]
    perform: Callable[..., Any]
    takes_reason: bool = True
    sends: bool = True
    """Whether the push is to go out then."""

    def is_offered_for(self, push: Push) -> bool:
        """Return whether the desk shows the button; the service has the last word."""
        return push.state in self.starts_from


PUSH_NOW = Operation(
    "push_now",
    _("Push now"),
    "bolt",
    _("Push at once, without waiting for its time?"),
    frozenset({PushState.PENDING}),
    push_now,
    takes_reason=False,
)
RESEND = Operation(
    "resend",
    _("Resend"),
    "replay",
    _("Resend? Where the message may have arrived, the user can receive it twice."),
    frozenset(PushState) - {PushState.PENDING, PushState.SENT},
    resend_push,
)
CANCEL = Operation(
    "cancel",
    _("Cancel the push"),
    "block",
    _("Cancel? It is not sent any more, unless somebody resends it."),
    frozenset({PushState.PENDING}),
    cancel_push,
    sends=False,
)
_REFUSALS = {
    "pending": _("it is still pending"),
    "sent": _("it was sent"),
    "overtaken": _("a newer event of the waybill was sent already"),
    "path_voided": _("its event was voided"),
    "waiting_for_waybill": _("its waybill has not come yet"),
    "being_sent": _("it is being sent at this moment"),
}
"""By the codes of the services; what is not here is a push's state."""

OPERATIONS = {operation.name: operation for operation in (PUSH_NOW, RESEND, CANCEL)}


@dataclass
class Tally:
    """What was done and what could not be."""

    done: int = 0
    refused: list[tuple[Push, str]] = field(default_factory=list)
    """With the code that says why."""


def operate(operation: Operation, pushes: Iterable[Push], *, actor: AbstractBaseUser, reason: str = "") -> Tally:
    """Do the operation to each push, each in a transaction of its own; return what was done."""
    tally = Tally()
    arguments = {"reason": reason} if operation.takes_reason else {}
    for push in pushes:
        try:
            operation.perform(push=push, actor=actor, **arguments)
        except (PushNotResendable, PushNotCancellable) as refusal:
            tally.refused.append((push, refusal.code))
        else:
            tally.done += 1
    return tally


def report(request: HttpRequest, operation: Operation, tally: Tally) -> None:
    """Tell the person what was done, and which pushes were in no state for it."""
    if tally.done:
        _report_done(request, operation, tally.done)
    if tally.refused:
        text = ngettext(
            "%(label)s: %(count)d push was left as it was. %(which)s",
            "%(label)s: %(count)d pushes were left as they were. %(which)s",
            len(tally.refused),
        )
        which = "; ".join(f"{push.waybill.no}: {_why(code)}" for push, code in tally.refused[:5])
        messages.warning(request, text % {"label": operation.label, "count": len(tally.refused), "which": which})


def _report_done(request: HttpRequest, operation: Operation, count: int) -> None:
    if operation.sends and current_line().state == Line.State.STOPPED:
        text = ngettext(
            "%(label)s: the line is stopped. %(count)d push waits and goes when the line runs again.",
            "%(label)s: the line is stopped. %(count)d pushes wait and go when the line runs again.",
            count,
        )
        messages.warning(request, text % {"label": operation.label, "count": count})
        return
    text = ngettext("%(label)s: %(count)d push done.", "%(label)s: %(count)d pushes done.", count)
    messages.success(request, text % {"label": operation.label, "count": count})


def _why(code: str) -> str:
    if code in _REFUSALS:
        return str(_REFUSALS[code])
    return str(PushState(code).label) if code in PushState.values else code
