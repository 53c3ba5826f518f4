"""A lane: the queue of one waybill's pushes, with its lease and fence. `waybills.lanes` moves it."""

from django.db import models
from django.db.models import Q


class Lane(models.Model):
    """One row a waybill. Asleep: `wake_at` null. Leased: `wake_at` is when the lease ends."""

    waybill = models.OneToOneField(
        "waybills.Waybill", models.PROTECT, primary_key=True, related_name="lane", db_constraint=False
    )
    wake_at = models.DateTimeField(null=True)
    leased = models.BooleanField(default=False)
    fence = models.BigIntegerField(default=0)
    """One more with each claim: a result of an older claim changes no push."""
    is_urgent = models.BooleanField(default=False)
    """A message (300002, 300003) is pending: it is claimed before mere trail updates, which matters after an outage."""
    sent_through = models.BigIntegerField(default=0)
    """The newest action_time that was sent: nothing older goes out after it."""

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(leased=False) | Q(wake_at__isnull=False), name="lane_lease_has_an_end"),
        ]
        indexes = [
            models.Index(
                fields=["is_urgent", "wake_at", "waybill"], name="lane_wake", condition=Q(wake_at__isnull=False)
            )
        ]

    def __str__(self) -> str:
        return f"lane {self.pk}"
