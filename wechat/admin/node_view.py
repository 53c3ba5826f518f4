"""One node of the timeline as the page shows it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from waybills.action_types import MESSAGE_TYPES
from waybills.admin.labels import PUSH_STATE_COLOURS, show_wire_time
from waybills.admin.masking import mask_path
from waybills.admin.push_operations import CANCEL, OPERATIONS, Operation
from waybills.documents import Contact, PathDocument
from waybills.models import Lane, Path, Push, PushReason, PushState
from wechat.holdup import Holdup
from wechat.timeline import Node, Step, Text, Timeline, reason_of


@dataclass(frozen=True, slots=True)
class NodeView:
    """A node with its texts masked or revealed, and what this person may do to its push."""

    path: Path
    push: Push | None
    document: PathDocument | None
    steps: Sequence[Step]
    happened: str
    type_name: str
    makes_message: bool
    colour: str
    reason: Text
    waiting: Text
    """Of a pending push: for what; the empty text otherwise."""
    operations: Sequence[Operation]


_GO_BY_THEMSELVES = {PushReason.NONE, PushReason.RETRYING, PushReason.SENDER_LOST, PushReason.LINE_STOPPED}
"""Reasons of a pending push that promise what something else may hold back."""


def view_nodes(
    timeline: Timeline, contacts: Sequence[Contact], *, revealed: bool, may_send: bool, holdup: Holdup | None
) -> list[NodeView]:
    """Return the nodes for the page; the contacts are masked in the texts too. holdup: why nothing goes out now."""
    return [
        _view(node, timeline.lane, contacts, revealed, may_send, holdup if _is_pending(node.push) else None)
        for node in timeline.nodes
    ]


def _is_pending(push: Push | None) -> bool:
    return push is not None and push.state == PushState.PENDING


def _view(
    node: Node,
    lane: Lane | None,
    contacts: Sequence[Contact],
    revealed: bool,
    may_send: bool,
    holdup: Holdup | None,
) -> NodeView:
    push, document = node.push, node.document
    if document is not None and not revealed:
        document = mask_path(document, contacts, node.path.waybill.no)
    return NodeView(
        path=node.path,
        push=push,
        document=document,
        steps=[_held(step, holdup) for step in node.steps] if holdup else node.steps,
        happened=show_wire_time(node.path.action_time),
        type_name=str(node.path.get_action_type_display()),
        makes_message=node.path.action_type in MESSAGE_TYPES,
        colour=PUSH_STATE_COLOURS.get(push.state, "") if push else "",  # type: ignore[call-overload]
        reason=_reason(push, holdup) if push else "",
        waiting=_waiting(node.path, push, lane, holdup) if push else "",
        operations=_offered(node.path, push, lane) if push and may_send else (),
    )


def _held(step: Step, holdup: Holdup) -> Step:
    """Return the step without the promise that it goes by itself."""
    if step.explanation is None or not step.explanation.is_left_alone:
        return step
    return replace(step, explanation=replace(step.explanation, remedy=holdup.until))


def _reason(push: Push, holdup: Holdup | None) -> Text:
    return holdup.until if holdup and push.reason in _GO_BY_THEMSELVES else reason_of(push)


def _waiting(path: Path, push: Push, lane: Lane | None, holdup: Holdup | None) -> Text:
    if push.not_before is None:
        return ""
    if path.waybill.posted_at is None:
        return _("Waits for its waybill")
    is_due = push.not_before <= timezone.now()
    if is_due and lane is not None and lane.leased:
        return _("Is being sent, or the one before it is")
    if holdup is not None:
        return holdup.what
    return _("Is due: goes with the next round") if is_due else _("Is due then")


def _offered(path: Path, push: Push, lane: Lane | None) -> Sequence[Operation]:
    """Return what would not be refused anyway: nothing goes out after something newer, and nothing voided."""
    if path.voided_at is not None or (lane is not None and push.action_time < lane.sent_through):
        return [CANCEL] if CANCEL.is_offered_for(push) else []
    return [operation for operation in OPERATIONS.values() if operation.is_offered_for(push)]
