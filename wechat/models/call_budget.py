"""How many calls may leave now, all processes together (`PUSH_RATE`). `wechat.budget` spends it."""

from django.db import models
from django.db.models import Q


class CallBudget(models.Model):
    """One row, a bucket that fills with time. Below zero: calls that followed others are still to be made up for."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    permits = models.FloatField()
    counted_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="call_budget_is_one")]

    def __str__(self) -> str:
        return f"{self.permits:.1f} calls"
