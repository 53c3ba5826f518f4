"""What the numbering of the settled pushes starts above."""

from django.db import models
from django.db.models import Q


class Feed(models.Model):
    """At most one row; none is a base of 0. `waybills.settlement` says what it is for."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    base = models.BigIntegerField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="feed_is_one")]

    def __str__(self) -> str:
        return str(self.base)
