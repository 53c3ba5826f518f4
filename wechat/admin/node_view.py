"""One node of the timeline as the page shows it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from waybills.action_types import MESSAGE_TYPES
from waybills.admin.labels import PUSH_STATE_COLOURS, show_wire_time
from waybills.admin.masking import mask_path
from waybills.admin.push_operations import CANCEL, OPERATIONS, Operation
from waybills.documents import Contact, PathDocument
from waybills.models import Lane, Path, Push
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


def view_nodes(timeline: Timeline, contacts: Sequence[Contact], *, revealed: bool, may_send: bool) -> list[NodeView]:
    """Return the nodes for the page; the contacts are masked in the texts too."""
    return [_view(node, timeline.lane, contacts, revealed, may_send) for node in timeline.nodes]


def _view(node: Node, lane: Lane | None, contacts: Sequence[Contact], revealed: bool, may_send: bool) -> NodeView:
    push, document = node.push, node.document
    if document is not None and not revealed:
        document = mask_path(document, contacts, node.path.waybill.no)
    return NodeView(
        path=node.path,
        push=push,
        document=document,
        steps=node.steps,
        happened=show_wire_time(node.path.action_time),
        type_name=str(node.path.get_action_type_display()),
        makes_message=node.path.action_type in MESSAGE_TYPES,
        colour=PUSH_STATE_COLOURS.get(push.state, "") if push else "",  # type: ignore[call-overload]
        reason=reason_of(push) if push else "",
        waiting=_waiting(node.path, push, lane) if push else "",
        operations=_offered(node.path, push, lane) if push and may_send else (),
    )


def _waiting(path: Path, push: Push, lane: Lane | None) -> Text:
    if push.not_before is None:
        return ""
    if path.waybill.posted_at is None:
        return _("Waits for its waybill")
    if push.not_before > timezone.now():
        return _("Is due then")
    return (
        _("Is being sent, or the one before it is") if lane and lane.leased else _("Is due: goes with the next round")
    )


def _offered(path: Path, push: Push, lane: Lane | None) -> Sequence[Operation]:
    """Return what would not be refused anyway: nothing goes out after something newer, and nothing voided."""
    if path.voided_at is not None or (lane is not None and push.action_time < lane.sent_through):
        return [CANCEL] if CANCEL.is_offered_for(push) else []
    return [operation for operation in OPERATIONS.values() if operation.is_offered_for(push)]
