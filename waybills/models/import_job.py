"""An import: a file that staff uploaded, on its way into waybills and paths."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from waybills.uuid7 import uuid7

KEPT = timedelta(days=7)
"""How long a file waits for a person, and the report of bad rows for its download."""


class ImportJobQuerySet(models.QuerySet["ImportJob"]):
    """Reads of imports in the words of the work."""

    def active(self) -> "ImportJobQuerySet":
        """Return those on which there is work to do."""
        return self.filter(state__in=ACTIVE)

    def free(self, now: datetime) -> "ImportJobQuerySet":
        """Return the active ones that nobody works on: the lease of a worker that died runs out."""
        return self.active().filter(Q(leased_until__isnull=True) | Q(leased_until__lte=now))


class ImportJob(models.Model):
    """One uploaded file. Its contents are in sealed chunks, each erased with the transaction that has used it."""

    class State(models.TextChoices):
        """How far it is."""

        READING = "reading", _("being read")
        CHECKING = "checking", _("being checked")
        PREVIEW = "preview", _("waiting for you")
        WAITING = "waiting", _("waiting for a worker")
        RUNNING = "running", _("running")
        DONE = "done", pgettext_lazy("import", "done")
        CANCELLED = "cancelled", _("cancelled")
        FAILED = "failed", _("not readable")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    state = models.CharField(_("state"), max_length=9, choices=State, default=State.READING)
    name = models.CharField(_("file"), max_length=128)
    size = models.BigIntegerField(_("bytes"))
    language = models.CharField(max_length=16)
    """Of the reasons in the report: that of whoever uploaded the file."""
    created_at = models.DateTimeField(_("uploaded at"))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("who"), related_name="+", db_index=False
    )
    shape = models.CharField(_("format"), max_length=32, blank=True)
    """Encoding and delimiter (`UTF-8 tab`), or `XLSX`."""
    plan = models.BinaryField(null=True, editable=False)
    """`waybills.documents.ImportPlan`, bound to `id`."""
    failure = models.CharField(max_length=20, blank=True)
    """A code of `waybills.files.refusals`."""
    failure_line = models.PositiveIntegerField(default=0)
    chunks = models.PositiveIntegerField(default=0)
    position = models.PositiveIntegerField(default=0)
    """The next chunk of rows; it moves in the transaction that has used the one before."""
    rows = models.PositiveIntegerField(_("rows"), default=0)
    rows_done = models.PositiveIntegerField(default=0)
    bad_rows = models.PositiveIntegerField(_("bad rows"), default=0)
    past_deadline = models.PositiveIntegerField(default=0)
    waybills_created = models.PositiveIntegerField(default=0)
    waybills_updated = models.PositiveIntegerField(default=0)
    waybills_unchanged = models.PositiveIntegerField(default=0)
    paths_created = models.PositiveIntegerField(default=0)
    paths_duplicate = models.PositiveIntegerField(default=0)
    paths_waiting = models.PositiveIntegerField(default=0)
    busy_ms = models.BigIntegerField(default=0)
    """Spent on `rows_done`: the rate does not count the time without a worker."""
    started_at = models.DateTimeField(_("started at"), null=True)
    finished_at = models.DateTimeField(_("finished at"), null=True)
    leased_until = models.DateTimeField(null=True)
    fence = models.PositiveIntegerField(default=0)
    """Counts the claims: whoever has an older one writes nothing any more."""
    erase_at = models.DateTimeField(null=True)
    """When what is left of the file goes; null: nothing is left."""

    objects = ImportJobQuerySet.as_manager()

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-pk"]
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    state__in=["reading", "checking", "preview", "waiting", "running", "done", "cancelled", "failed"]
                ),
                name="import_job_state_known",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["done", "cancelled", "failed"], finished_at__isnull=False)
                | (~Q(state__in=["done", "cancelled", "failed"]) & Q(finished_at__isnull=True)),
                name="import_job_finished_at_its_end",
            ),
            models.CheckConstraint(
                condition=Q(position__lte=F("chunks"), rows_done__lte=F("rows")), name="import_job_within_its_file"
            ),
        ]
        indexes = [
            models.Index(
                fields=["leased_until"],
                name="import_job_active",
                condition=Q(state__in=["reading", "checking", "waiting", "running"]),
            ),
            models.Index(fields=["erase_at"], name="import_job_erase", condition=Q(erase_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.state}"

    @property
    def is_active(self) -> bool:
        """Return whether there is work to do on it."""
        return self.state in ACTIVE

    @property
    def good_rows(self) -> int:
        """Return how many rows would be stored, once all are checked."""
        return self.rows - self.bad_rows

    @property
    def rate(self) -> int:
        """Return how many rows a second are done."""
        return self.rows_done * 1000 // self.busy_ms if self.busy_ms else 0

    @property
    def remaining(self) -> timedelta | None:
        """Return how long the rest takes at this rate; None: not known yet."""
        return timedelta(seconds=(self.rows - self.rows_done) // self.rate) if self.rate else None


ACTIVE = (ImportJob.State.READING, ImportJob.State.CHECKING, ImportJob.State.WAITING, ImportJob.State.RUNNING)


class ImportChunk(models.Model):
    """One sealed piece of an import."""

    class Kind(models.TextChoices):
        """What it is a piece of."""

        FILE = "file", "file"
        ROWS = "rows", "rows"
        BAD = "bad", "bad"

    job = models.ForeignKey(ImportJob, models.CASCADE, related_name="pieces", db_index=False)
    kind = models.CharField(max_length=4, choices=Kind)
    number = models.PositiveIntegerField()
    sealed = models.BinaryField(editable=False)
    """By `waybills.documents.seal_chunk`, bound to the other three columns."""

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["job", "kind", "number"], name="import_chunk_once")]

    def __str__(self) -> str:
        return f"{self.job_id} {self.kind} {self.number}"
