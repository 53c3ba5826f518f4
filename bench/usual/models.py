"""A path event as a usual project stores it: a column a field, nothing sealed, nothing to push."""

from django.db import models


class Event(models.Model):
    waybill = models.ForeignKey("waybills.Waybill", models.PROTECT, related_name="+")
    action_time = models.BigIntegerField()
    action_type = models.IntegerField()
    action_msg = models.CharField(max_length=512)
    pickup_courier_name = models.CharField(max_length=64, blank=True)
    pickup_courier_phone = models.CharField(max_length=32, blank=True)
    delivery_courier_name = models.CharField(max_length=64, blank=True)
    delivery_courier_phone = models.CharField(max_length=32, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["waybill", "action_time", "action_type", "action_msg"], name="event_once")
        ]
