"""A path: one node of a waybill's trail."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from waybills.action_types import ActionType


class PathQuerySet(models.QuerySet["Path"]):
    """Reads of a trail."""

    def shown(self) -> "PathQuerySet":
        """Return the nodes that were not voided, newest first, ties in reverse order of arrival."""
        return self.filter(voided_at__isnull=True).order_by("-action_time", "-pk")


class Path(models.Model):
    """One event of a waybill. Its digest is its identity: the same event twice is one row."""

    waybill = models.ForeignKey("waybills.Waybill", models.PROTECT, related_name="paths", db_index=False)
    digest = models.BinaryField(max_length=32, editable=False)
    """HMAC of the cleaned fields with the waybill's number."""
    action_time = models.BigIntegerField(_("action time"))
    """Unix seconds, as on the wire."""
    action_type = models.IntegerField(_("action type"), choices=ActionType.choices)
    sealed = models.BinaryField(_("sealed document"), editable=False)
    """`waybills.documents.PathDocument`, bound to the digest."""
    created_at = models.DateTimeField(_("arrived at"))
    voided_at = models.DateTimeField(_("voided at"), null=True)

    objects = PathQuerySet.as_manager()

    class Meta:
        verbose_name = _("path event")
        verbose_name_plural = _("path events")
        ordering = ["-action_time", "-pk"]
        permissions = [("void_path", _("Can void a path event"))]
        # The constraint's index leads with the waybill: it finds the trail as well.
        constraints = [models.UniqueConstraint(fields=["waybill", "digest"], name="path_event_once")]

    def __str__(self) -> str:
        return f"{self.action_type} @ {self.action_time}"
