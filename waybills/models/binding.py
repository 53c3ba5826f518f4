"""A binding: what WeChat last said of a phone."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Binding(models.Model):
    """Whether a phone, known by its blind index only, was bound when WeChat was last asked."""

    phone_index = models.BinaryField(primary_key=True, max_length=32)
    exist = models.BooleanField(_("bound"))
    checked_at = models.DateTimeField(_("checked at"))

    class Meta:
        verbose_name = _("binding")
        verbose_name_plural = _("bindings")

    def __str__(self) -> str:
        return "bound" if self.exist else "not bound"
