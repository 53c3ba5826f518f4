"""A callback: one request of WeChat to the portal, and what it was answered."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from waybills.uuid7 import uuid7


class CallbackOutcome(models.TextChoices):
    """What became of a verified callback."""

    ANSWERED = "answered", _("answered")
    RELAYED = "relayed", _("relayed")
    ACKNOWLEDGED = "acknowledged", _("acknowledged")
    FAULT = "fault", _("our fault: WeChat tries again")


class Callback(models.Model):
    """One verified request. Written once, never changed, but that retention empties `sealed`."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    received_at = models.DateTimeField(_("received at"))
    duration_us = models.IntegerField(_("duration in µs"))
    source = models.GenericIPAddressField(_("from"), null=True)
    event = models.CharField(_("event"), max_length=64, blank=True)
    """In lower case."""
    waybill_no = models.CharField(_("waybill number"), max_length=64, blank=True)
    outcome = models.CharField(_("outcome"), max_length=12, choices=CallbackOutcome)
    result_code = models.IntegerField(_("ResultCode"), null=True)
    """Of an answered back-query."""
    sender_differs = models.BooleanField(_("sender's phone differs"), default=False)
    sealed = models.BinaryField(_("sealed document"), null=True, editable=False)
    """[1, the message, our answer], as text, bound to the id."""

    class Meta:
        verbose_name = _("callback")
        verbose_name_plural = _("callbacks")
        ordering = ["-received_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(outcome__in=CallbackOutcome.values), name="callback_outcome_known"),
        ]
        indexes = [
            models.Index(fields=["received_at"], name="callback_received"),
            models.Index(fields=["waybill_no", "received_at"], name="callback_of_waybill", condition=~Q(waybill_no="")),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.outcome}"


class CallbackRefusal(models.Model):
    """How many requests were refused, by hour and reason: a flood fills a counter, not the disk."""

    hour = models.DateTimeField(_("hour"))
    reason = models.CharField(_("reason"), max_length=32)
    count = models.BigIntegerField(_("count"))
    last_at = models.DateTimeField(_("last at"))
    last_source = models.GenericIPAddressField(_("last from"), null=True)

    class Meta:
        verbose_name = _("refused callback")
        verbose_name_plural = _("refused callbacks")
        ordering = ["-hour", "reason", "pk"]
        constraints = [models.UniqueConstraint(fields=["hour", "reason"], name="callback_refusal_counted_once")]

    def __str__(self) -> str:
        return f"{self.reason}: {self.count}"
