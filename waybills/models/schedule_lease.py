"""A schedule's lease: of any number of processes that keep the same schedule, one runs the job."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ScheduleLease(models.Model):
    """One row a job. Never released, only left to lapse: a holder that dies holds nobody up for longer than that."""

    name = models.CharField(_("name"), max_length=64, primary_key=True)
    taken_at = models.DateTimeField(_("taken at"), null=True)
    """When the job last began, whoever ran it."""
    leased_until = models.DateTimeField(_("leased until"))
    """Both by the database's clock: the machines' own may differ."""

    class Meta:
        verbose_name = _("schedule lease")
        verbose_name_plural = _("schedule leases")

    def __str__(self) -> str:
        return self.name
