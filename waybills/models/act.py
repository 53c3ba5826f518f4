"""An act: what a person or a service account did, for ever."""

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

_LONGEST_TARGET, _LONGEST_REASON = 128, 512


class ActManager(models.Manager["Act"]):
    """Writes acts."""

    def record(
        self, actor: AbstractBaseUser, verb: str, *, target: str = "", waybill_no: str = "", reason: str = ""
    ) -> None:
        """Write what a person does at this moment; words that are longer than their column are cut."""
        self.create(
            at=timezone.now(),
            actor_id=actor.pk,
            verb=verb,
            waybill_no=waybill_no,
            target=target[:_LONGEST_TARGET],
            reason=reason[:_LONGEST_REASON],
        )


class Act(models.Model):
    """One act of a person. Never changed, and without personal data."""

    class Verb(models.TextChoices):
        """What was done."""

        PUSH = "push", _("pushed by hand")
        RESEND = "resend", _("resent a push")
        CANCEL = "cancel", _("cancelled a push")
        VOID = "void", _("voided a path event")
        REVEAL = "reveal", _("revealed personal data")
        SEARCH_PHONE = "search_phone", _("searched a phone")
        EXPORT = "export", _("exported")
        IMPORT = "import", _("imported a file")
        STOP_IMPORT = "stop_import", _("cancelled an import")
        EDIT_CELLS = "edit_cells", _("edited the cells")
        MAP_CODE = "map_code", _("mapped a carrier's code")
        STOP_LINE = "stop_line", _("stopped the line")
        RESUME_LINE = "resume_line", _("resumed the line")
        ISSUE_TOKEN = "issue_token", _("issued an API token")
        CHANGE_TOKEN = "change_token", _("changed an API token")
        REVOKE_TOKEN = "revoke_token", _("revoked an API token")

    at = models.DateTimeField(_("at"))
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("who"), related_name="+")
    verb = models.CharField(_("act"), max_length=12, choices=Verb)
    waybill_no = models.CharField(_("waybill number"), max_length=64, blank=True)
    target = models.CharField(_("of what"), max_length=_LONGEST_TARGET, blank=True)
    reason = models.CharField(_("reason"), max_length=_LONGEST_REASON, blank=True)

    objects = ActManager()

    class Meta:
        verbose_name = _("staff action")
        verbose_name_plural = _("staff actions")
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["waybill_no", "at"], name="act_of_waybill")]

    def __str__(self) -> str:
        return f"{self.verb} {self.target}"
