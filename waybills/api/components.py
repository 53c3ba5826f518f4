"""The objects of the API as OpenAPI describes them.

Declarations only: no body passes through a serializer. `waybills.fields` and `waybills.items` read, `answers` writes,
and a test holds every answer against what stands here.
"""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from waybills import fields, items
from waybills.action_types import ActionType
from waybills.api.views import REASON_LENGTH
from waybills.cells import LONGEST
from waybills.models import Call, Line, Outcome, PushReason, PushState

Component = serializers.Serializer[Any]


def moment(**options: Any) -> serializers.IntegerField:
    """Return a field of Unix seconds."""
    return serializers.IntegerField(
        min_value=fields.EARLIEST, max_value=fields.LATEST - 1, help_text=_("Unix seconds."), **options
    )


def text(longest: int, **options: Any) -> serializers.CharField:
    """Return a field of text; longest: in characters, after cleaning. Empty text is missing text."""
    return serializers.CharField(max_length=longest, **({"min_length": 1} | options))


def optional(longest: int, **options: Any) -> serializers.CharField:
    """Return a field of text that may be missing, null or empty."""
    return text(longest, min_length=None, required=False, allow_null=True, allow_blank=True, **options)


class Sender(Component):
    """Who sends; nothing of it is required."""

    name = optional(items.NAME_LENGTH)
    phone = optional(fields.PHONE_LENGTH)
    province = optional(items.REGION_LENGTH)
    city = optional(items.REGION_LENGTH)
    area = optional(items.REGION_LENGTH)
    street = optional(items.REGION_LENGTH)
    address = optional(items.ADDRESS_LENGTH)
    id = optional(items.CONTACT_ID_LENGTH)


class Receiver(Sender):
    """Who receives. A phone that is no mainland mobile is stored and shown, and never pushed to."""

    name = text(items.NAME_LENGTH)
    phone = text(fields.PHONE_LENGTH)


class PathOfWaybill(Component):
    """A path event inside its waybill. `carrier_code` may stand in place of `action_type`."""

    action_time = moment()
    action_type = serializers.ChoiceField(choices=ActionType.choices, required=False)
    carrier_code = optional(
        items.CARRIER_CODE_LENGTH, help_text=_("The carrier's own code; staff map it. Not mapped: 500001.")
    )
    action_msg = text(items.MESSAGE_LENGTH, help_text=_("Phone numbers stand in it with all their digits."))
    pickup_courier_name = optional(items.NAME_LENGTH)
    pickup_courier_phone = optional(fields.PHONE_LENGTH)
    delivery_courier_name = optional(items.NAME_LENGTH)
    delivery_courier_phone = optional(fields.PHONE_LENGTH)


class Path(PathOfWaybill):
    """A path event. The same event twice is stored once."""

    waybill_id = text(items.NO_LENGTH)


class PostedWaybill(Component):
    """A waybill as it is posted, with as many of its path events as there are."""

    waybill_id = text(items.NO_LENGTH)
    create_time = moment()
    sender = Sender(required=False, allow_null=True)
    receiver = Receiver()
    paths = PathOfWaybill(many=True, required=False, allow_null=True)


class WaybillCounts(Component):
    """What became of the waybills of a batch."""

    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()


class PathCounts(Component):
    """What became of the paths of a batch; `waiting`: kept until their waybill comes."""

    created = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    waiting = serializers.IntegerField()


class ItemError(Component):
    """One thing that is wrong with one item; `path_index` is the place in its `paths`."""

    index = serializers.IntegerField()
    path_index = serializers.IntegerField(allow_null=True)
    waybill_id = serializers.CharField(allow_null=True)
    field = serializers.CharField(allow_null=True)
    code = serializers.ChoiceField(choices=[(code, code) for code in fields.Code])
    detail = serializers.CharField()


class Report(Component):
    """What became of a batch: the good items are stored, the bad ones named."""

    waybills = WaybillCounts()
    paths = PathCounts()
    errors = ItemError(many=True)  # type: ignore[assignment]


class FieldError(Component):
    """What is wrong with one field."""

    code = serializers.CharField()
    detail = serializers.CharField()


class Error(Component):
    """Every error has this shape; `fields` where fields are wrong, by name."""

    code = serializers.CharField()
    detail = serializers.CharField()
    fields = serializers.DictField(child=FieldError(), required=False)  # type: ignore[assignment]


class Void(Component):
    """Which events to void, and why."""

    waybill_id = text(items.NO_LENGTH)
    action_time = moment()
    action_type = serializers.ChoiceField(choices=ActionType.choices)
    reason = text(REASON_LENGTH)


class Voided(Component):
    """How many events left the trail."""

    voided = serializers.IntegerField(min_value=1)


class Attempt(Component):
    """One call to WeChat for one push."""

    call = serializers.ChoiceField(choices=Call.choices)
    started_at = serializers.IntegerField()
    duration_ms = serializers.IntegerField(allow_null=True)
    outcome = serializers.ChoiceField(choices=Outcome.choices)
    errcode = serializers.IntegerField(allow_null=True)
    errmsg = serializers.CharField(allow_blank=True)
    exist = serializers.IntegerField(allow_null=True)


class Push(Component):
    """The push of one path event. `notified`: whether a message reached the user; null: not known."""

    id = serializers.IntegerField()
    waybill_id = serializers.CharField()
    action_type = serializers.IntegerField()
    action_time = serializers.IntegerField()
    state = serializers.ChoiceField(choices=PushState.choices)
    reason = serializers.ChoiceField(choices=[reason for reason in PushReason.choices if reason[0]], allow_blank=True)
    notified = serializers.BooleanField(allow_null=True)
    not_before = serializers.IntegerField(allow_null=True)
    created_at = serializers.IntegerField()
    settled_at = serializers.IntegerField(allow_null=True)
    attempts = Attempt(many=True)


class PushPage(Component):
    """A page of pushes, and the addresses of its neighbours.

    With `settled_since` there is always a `next`, and never a `previous`: a feed of what settled, in the order of the
    commits. Keep the last `next` and read on from it later; nothing is lost, and nothing comes twice but a push that
    went again and settled anew.
    """

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = Push(many=True)


class StoredPath(Component):
    """A path event as it is stored; courier fields only where they are set."""

    action_time = serializers.IntegerField()
    action_type = serializers.IntegerField()
    action_msg = serializers.CharField()
    pickup_courier_name = serializers.CharField(required=False)
    pickup_courier_phone = serializers.CharField(required=False)
    delivery_courier_name = serializers.CharField(required=False)
    delivery_courier_phone = serializers.CharField(required=False)


class Waybill(Component):
    """A waybill as it is stored, with its trail, newest first, and the pushes of it."""

    waybill_id = serializers.CharField()
    create_time = serializers.IntegerField()
    sender = Sender()
    receiver = Receiver()
    paths = StoredPath(many=True)
    pushes = Push(many=True)


class Cell(Component):
    """One line of the landing page; `{waybill_id}` in a link is filled in, and no other braces may stand in it."""

    Key = text(LONGEST["key"])
    Name = text(LONGEST["name"])
    Link = text(LONGEST["link"])


class Reason(Component):
    """Why, for the record."""

    reason = text(REASON_LENGTH)


class OptionalReason(Component):
    """Why, for the record."""

    reason = optional(REASON_LENGTH)


class LineStatus(Component):
    """Whether anything is pushed. `code`: WeChat's, null where a person stopped it; `waiting`: pending pushes."""

    state = serializers.ChoiceField(choices=Line.State.choices)
    code = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)
    remedy = serializers.CharField(allow_blank=True)
    since = serializers.IntegerField()
    waiting = serializers.IntegerField()
