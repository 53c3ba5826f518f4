"""A cell: one line of the landing page that leads to the carrier's own pages."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from waybills.cells import has_unknown_placeholder, is_link


class Cell(models.Model):
    """Key, Name and Link of the landing page (specification, 接入前准备, 2)."""

    key = models.CharField(_("key"), max_length=20)
    name = models.CharField(_("name"), max_length=64)
    link = models.CharField(_("link"), max_length=1024, help_text=_("{waybill_id} is filled in."))
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("cell")
        verbose_name_plural = _("cells")
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["key"], name="cell_key_unique"),
            models.CheckConstraint(condition=~Q(key="") & ~Q(name="") & ~Q(link=""), name="cell_whole"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse a link that is not an http or https address, or that nothing can fill in."""
        if has_unknown_placeholder(self.link):
            raise ValidationError({"link": _("The only placeholder is {waybill_id}: no other braces may stand here.")})
        if not is_link(self.link):
            raise ValidationError({"link": _("Not an http or https address.")})
