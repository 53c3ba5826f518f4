"""WeChat's action types: what a path event can be (specification, section 4.1)."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ActionType(models.IntegerChoices):
    """The code that WeChat gives each kind of path event."""

    ORDER_ACCEPTED = 90001, _("Before pickup: accepted by the branch")
    COURIER_ASSIGNED = 90002, _("Before pickup: courier assigned")
    COURIER_REASSIGNED = 90003, _("Before pickup: courier reassigned")
    PAYMENT_DUE = 90010, _("Before pickup: payment due")
    PAID = 90011, _("Before pickup: paid")
    PICKED_UP = 100001, _("Pickup: picked up")
    PICKUP_FAILED = 100002, _("Pickup: failed")
    IN_TRANSIT = 200001, _("Transport: trail updated")
    OUT_FOR_DELIVERY = 300002, _("Delivery: out for delivery")
    SIGNED = 300003, _("Delivery: signed for")
    DELIVERY_FAILED = 300004, _("Delivery: failed")
    STORED_FOR_COLLECTION = 300005, _("Delivery: stored with a third party")
    TAKEN_BACK_BY_COURIER = 300006, _("Delivery: taken out again by the courier of the third party")
    SIGNED_BY_PROXY = 300007, _("Delivery: signed for by another")
    CANCELLED = 400001, _("Exception: order cancelled")
    DELAYED = 400002, _("Exception: order delayed")
    RETURNED = 400003, _("Exception: order returned")
    REJECTED = 400004, _("Exception: order rejected")
    PROBLEM = 400005, _("Exception: problem parcel")
    OTHER = 500001, _("Other: any state without a code of its own")


MESSAGE_TYPES = frozenset({ActionType.OUT_FOR_DELIVERY, ActionType.SIGNED})
"""The types that make a message appear on the user's phone (specification, section 5)."""
