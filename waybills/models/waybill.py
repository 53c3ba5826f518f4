"""A waybill: who sends what to whom, sealed but for what staff filter by."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from waybills.sealing import blind_index


class WaybillQuerySet(models.QuerySet["Waybill"]):
    """Reads of waybills in the words of the desk."""

    def posted(self) -> "WaybillQuerySet":
        """Return those the carrier has posted, without the stubs that wait for it."""
        return self.filter(posted_at__isnull=False)

    def of_phone(self, phone: str, most: int = 200) -> "WaybillQuerySet":
        """Return the newest of those received, and of those sent, by this (cleaned, whole) phone; `most` of each."""
        return self.of_index(blind_index(phone), most)

    def of_index(self, index: bytes, most: int = 200) -> "WaybillQuerySet":
        """Return those of the phone that has this blind index, as `of_phone` does.

        Two reads of an index each. One query with OR walks the whole table backwards where PostgreSQL takes a phone
        for a frequent one: a shop's senders make it believe so.
        """
        found: set[int] = set()
        for side in ("receiver_phone_index", "sender_phone_index"):
            found.update(self.filter(**{side: index}).order_by("-pk").values_list("pk", flat=True)[:most])
        return self.filter(pk__in=found)


class Waybill(models.Model):
    """One waybill. A path that comes before its waybill makes a stub: `posted_at` is null."""

    no = models.CharField(_("waybill number"), max_length=64)
    digest = models.BinaryField(_("digest"), max_length=32, null=True, editable=False)
    """HMAC of the cleaned fields: says "unchanged", since sealed bytes differ each time."""
    create_time = models.BigIntegerField(_("created by the carrier at"), null=True)
    """Unix seconds, as on the wire."""
    sealed = models.BinaryField(_("sealed document"), null=True, editable=False)
    """`waybills.documents.WaybillDocument`, bound to `no`."""
    receiver_phone_index = models.BinaryField(max_length=32, null=True, editable=False)
    sender_phone_index = models.BinaryField(max_length=32, null=True, editable=False)
    receiver_is_mobile = models.BooleanField(_("receiver has a mobile"), null=True)
    """Only a mainland mobile can be pushed to."""
    receiver_province = models.CharField(_("receiver's province"), max_length=64, blank=True)
    receiver_city = models.CharField(_("receiver's city"), max_length=64, blank=True)
    sender_province = models.CharField(_("sender's province"), max_length=64, blank=True)
    sender_city = models.CharField(_("sender's city"), max_length=64, blank=True)
    posted_at = models.DateTimeField(_("posted at"), null=True)
    created_at = models.DateTimeField(_("first heard of at"))
    updated_at = models.DateTimeField(_("updated at"))

    objects = WaybillQuerySet.as_manager()

    class Meta:
        verbose_name = _("waybill")
        verbose_name_plural = _("waybills")
        ordering = ["-pk"]
        permissions = [("reveal_waybill", _("Can see personal data unmasked"))]
        constraints = [
            models.UniqueConstraint(fields=["no"], name="waybill_no_unique"),
            models.CheckConstraint(condition=~Q(no=""), name="waybill_no_not_empty"),
            models.CheckConstraint(
                condition=Q(
                    posted_at__isnull=True,
                    sealed__isnull=True,
                    digest__isnull=True,
                    create_time__isnull=True,
                    receiver_phone_index__isnull=True,
                    receiver_is_mobile__isnull=True,
                )
                | Q(
                    posted_at__isnull=False,
                    sealed__isnull=False,
                    digest__isnull=False,
                    create_time__isnull=False,
                    receiver_phone_index__isnull=False,
                    receiver_is_mobile__isnull=False,
                ),
                name="waybill_posted_whole_or_stub",
            ),
        ]
        indexes = [
            models.Index(
                fields=["receiver_phone_index", "id"],
                name="waybill_receiver_phone",
                condition=Q(receiver_phone_index__isnull=False),
            ),
            models.Index(
                fields=["sender_phone_index", "id"],
                name="waybill_sender_phone",
                condition=Q(sender_phone_index__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.no
