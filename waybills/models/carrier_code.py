"""The carrier's own codes, and the action types that staff map them to."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from waybills.action_types import ActionType


class CarrierCode(models.Model):
    """One code that the carrier sends instead of an action_type; not mapped yet: 500001."""

    code = models.CharField(_("carrier's code"), max_length=64)
    action_type = models.IntegerField(_("action type"), choices=ActionType.choices, null=True, blank=True)
    seen = models.PositiveBigIntegerField(_("seen unmapped"), default=0, editable=False)
    first_seen_at = models.DateTimeField(_("first seen at"), null=True, editable=False)
    last_seen_at = models.DateTimeField(_("last seen at"), null=True, editable=False)

    class Meta:
        verbose_name = _("carrier's code")
        verbose_name_plural = _("carrier's codes")
        ordering = ["code", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["code"], name="carrier_code_unique"),
            models.CheckConstraint(condition=~Q(code=""), name="carrier_code_not_empty"),
        ]

    def __str__(self) -> str:
        return self.code
