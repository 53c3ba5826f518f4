"""An attempt: one call to WeChat for one push, written before the call and closed once after it."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from waybills.uuid7 import uuid7


class Call(models.TextChoices):
    """WeChat's two calls, by their names on the wire."""

    USERQUERY = "userquery", "userquery"
    PATHNOTIFY = "pathnotify", "pathnotify"


class Outcome(models.TextChoices):
    """How a call ended."""

    OPEN = "open", _("under way")
    OK = "ok", _("done")
    REFUSED = "refused", _("refused")
    FAILED = "failed", _("failed")
    UNKNOWN = "unknown", _("answer lost")


class PushAttemptQuerySet(models.QuerySet["PushAttempt"]):
    """Reads of attempts."""

    def open(self) -> "PushAttemptQuerySet":
        """Return those whose call has not been closed."""
        return self.filter(outcome=Outcome.OPEN)


class PushAttempt(models.Model):
    """One call. Its sealed document holds what was sent and what was seen."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    push = models.ForeignKey(
        "waybills.Push", models.PROTECT, related_name="attempts", db_index=False, db_constraint=False
    )
    call = models.CharField(_("call"), max_length=10, choices=Call)
    fence = models.BigIntegerField(_("fence"))
    """Of the lane's claim that this attempt belongs to."""
    trigger = models.CharField(_("triggered by"), max_length=160)
    started_at = models.DateTimeField(_("started at"))
    ended_at = models.DateTimeField(_("ended at"), null=True)
    outcome = models.CharField(_("outcome"), max_length=7, choices=Outcome, default=Outcome.OPEN)
    errcode = models.BigIntegerField(_("error code"), null=True)
    errmsg = models.CharField(_("error message"), max_length=512, blank=True)
    """WeChat's own words, with its rid; or what was seen instead of an answer."""
    exist = models.SmallIntegerField(_("bound"), null=True)
    sealed = models.BinaryField(_("sealed document"), null=True, editable=False)
    """`waybills.documents.AttemptDocument`, bound to the id; null once retention has emptied it."""

    objects = PushAttemptQuerySet.as_manager()

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome=Outcome.OPEN, ended_at__isnull=True)
                | (~Q(outcome=Outcome.OPEN) & Q(ended_at__isnull=False)),
                name="attempt_ended_unless_open",
            ),
            models.CheckConstraint(condition=Q(outcome__in=Outcome.values), name="attempt_outcome_known"),
        ]
        indexes = [
            models.Index(fields=["push", "started_at"], name="attempt_of_push"),
            models.Index(fields=["push"], name="attempt_open", condition=Q(outcome=Outcome.OPEN)),
        ]

    def __str__(self) -> str:
        return f"{self.call} {self.outcome}"

    @property
    def duration_ms(self) -> int | None:
        """Return how long the call took; None while it is under way."""
        if self.ended_at is None:
            return None
        return round((self.ended_at - self.started_at).total_seconds() * 1000)
