"""The line: the one switch that stops all pushing."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Line(models.Model):
    """One row that every worker reads before it claims."""

    class State(models.TextChoices):
        """Whether anything is pushed."""

        RUNNING = "running", _("running")
        STOPPED = "stopped", _("stopped")

    id = models.SmallIntegerField(primary_key=True, default=1)
    state = models.CharField(_("state"), max_length=7, choices=State, default=State.RUNNING)
    code = models.BigIntegerField(_("error code"), null=True)
    """WeChat's code that stopped it; null where a person did."""
    reason = models.CharField(_("reason"), max_length=512, blank=True)
    remedy = models.CharField(_("remedy"), max_length=512, blank=True)
    since = models.DateTimeField(_("since"))
    probe_at = models.DateTimeField(_("next probe"), null=True)
    """When one push may test whether the cause has gone; null: a person resumes it."""
    token_refusals = models.PositiveIntegerField(default=0)
    """Tries in a row, of whichever pushes, whose token was refused after its renewal."""

    class Meta:
        verbose_name = _("line")
        verbose_name_plural = _("line")
        permissions = [("operate_line", _("Can stop and resume the line"))]
        constraints = [models.CheckConstraint(condition=Q(id=1), name="line_is_one")]

    def __str__(self) -> str:
        return self.state
