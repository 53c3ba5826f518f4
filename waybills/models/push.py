"""A push: what is to be told of one path, and what became of it."""

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from waybills.action_types import MESSAGE_TYPES, ActionType


class PushState(models.TextChoices):
    """Where a push stands; all but `pending` are final until a person resends."""

    PENDING = "pending", _("pending")
    SENT = "sent", _("sent")
    UNBOUND = "unbound", _("not bound")
    SKIPPED = "skipped", _("skipped")
    FAILED = "failed", _("failed")
    UNKNOWN = "unknown", _("outcome unknown")
    EXPIRED = "expired", _("expired")
    CANCELLED = "cancelled", _("cancelled")


class PushReason(models.TextChoices):
    """Why a push stands where it stands."""

    NONE = "", ""
    RETRYING = "retrying", _("The last try failed; it is tried again by itself.")
    LINE_STOPPED = "line_stopped", _("The line was stopped; it goes when the line runs again.")
    IN_DOUBT = "in_doubt", _("WeChat's answer was lost; whether it acted is judged 20 seconds later.")
    UNREADABLE = "unreadable", _("Its data do not open: a key of PII_KEYS is missing or wrong. It waits for the key.")
    SENDER_LOST = "sender_lost", _("The process that was sending it ended; it is tried again by itself.")
    ANSWERED_UNBOUND = "answered_unbound", _("WeChat answered that the receiver's phone is not bound.")
    REMEMBERED_UNBOUND = "remembered_unbound", _("WeChat said a short while ago that the phone is not bound.")
    TYPE_EXCLUDED = "type_excluded", _("Events of this type are not pushed (PUSH_ACTION_TYPES).")
    PHONE_NOT_MOBILE = "phone_not_mobile", _("The receiver's phone is not a mainland mobile.")
    PHONE_EXCLUDED = "phone_excluded", _("Joint debugging: this phone is not on the list (PUSH_ONLY_PHONES).")
    REFUSED = "refused", _("WeChat refused the data: correct them and resend.")
    TRIES_USED_UP = "tries_used_up", _("WeChat refused three times; see the attempts.")
    ANSWER_LOST = (
        "answer_lost",
        _("WeChat asked back for it, but its answer was lost: the user may have the message."),
    )
    PAST_DEADLINE = "past_deadline", _("Its deadline passed before it could be sent (PUSH_DEADLINE).")
    OVERTAKEN = "overtaken", _("A newer event of the waybill was pushed first; the trail carries this one.")
    BY_HAND = "by_hand", _("Cancelled by a person.")
    PATH_VOIDED = "path_voided", _("Its path event was voided.")


class PushQuerySet(models.QuerySet["Push"]):
    """Reads of pushes in the words of the queue."""

    def pending(self) -> "PushQuerySet":
        """Return those that have not come to an end."""
        return self.filter(state=PushState.PENDING)

    def due(self, now: datetime) -> "PushQuerySet":
        """Return the pending ones of posted waybills that may go out now."""
        return self.pending().filter(not_before__lte=now, waybill__posted_at__isnull=False)

    def past_deadline(self, now: datetime) -> "PushQuerySet":
        """Return the pending ones that are no longer worth sending."""
        return self.pending().filter(deadline_at__lte=now)


class Push(models.Model):
    """The one push of one path, written in the path's own transaction. It is never leased: its lane is."""

    path = models.OneToOneField("waybills.Path", models.PROTECT, related_name="push")
    # Without a constraint in the database: its check was a quarter of an ingest's time, and the path has one.
    waybill = models.ForeignKey(
        "waybills.Waybill", models.PROTECT, related_name="pushes", db_index=False, db_constraint=False
    )
    action_time = models.BigIntegerField(_("action time"))
    action_type = models.IntegerField(_("action type"), choices=ActionType.choices)
    state = models.CharField(_("state"), max_length=9, choices=PushState, default=PushState.PENDING)
    reason = models.CharField(_("reason"), max_length=20, choices=PushReason, blank=True)
    not_before = models.DateTimeField(_("not before"), null=True)
    """Of a pending push: when it is due."""
    deadline_at = models.DateTimeField(_("worth sending until"))
    tries = models.PositiveIntegerField(_("failed tries"), default=0)
    refusals = models.PositiveSmallIntegerField(_("refused tries"), default=0)
    """Of the codes that are tried three times only."""
    by_hand = models.BooleanField(_("by hand"), default=False)
    """A person asked for it: a remembered "not bound" does not decide."""
    trigger = models.CharField(_("triggered by"), max_length=160, default="event")
    """`event`, or `user:` and the name of who pushed or resent it."""
    in_doubt_since = models.DateTimeField(null=True)
    """When the pathnotify began whose outcome is unknown and not judged yet."""
    created_at = models.DateTimeField(_("created at"))
    settled_at = models.DateTimeField(_("settled at"), null=True)
    settled_in = models.BigIntegerField(null=True, editable=False)
    """Its place in the order in which pushes settled, by commit: `waybills.settlement`."""

    objects = PushQuerySet.as_manager()

    class Meta:
        verbose_name = _("push")
        verbose_name_plural = _("pushes")
        ordering = ["-pk"]
        permissions = [("send_push", _("Can push, resend and cancel"))]
        constraints = [
            models.CheckConstraint(
                condition=Q(state=PushState.PENDING, settled_at__isnull=True, not_before__isnull=False)
                | (~Q(state=PushState.PENDING) & Q(settled_at__isnull=False, not_before__isnull=True)),
                name="push_settled_unless_pending",
            ),
            models.CheckConstraint(
                condition=Q(settled_at__isnull=True, settled_in__isnull=True)
                | Q(settled_at__isnull=False, settled_in__isnull=False),
                name="push_settled_in_when_settled",
            ),
            models.CheckConstraint(condition=Q(state__in=PushState.values), name="push_state_known"),
        ]
        indexes = [
            models.Index(
                fields=["waybill", "action_time", "id"],
                name="push_pending",
                condition=Q(state=PushState.PENDING),
            ),
            # "Not null" is true of every row, and keeps the index to queries that name the deadline: where few were
            # pending when the table was last analysed, PostgreSQL read it whole to find the queue of one waybill.
            models.Index(
                fields=["deadline_at"],
                name="push_deadline",
                condition=Q(state=PushState.PENDING, deadline_at__isnull=False),
            ),
            models.Index(fields=["waybill", "-action_time", "-id"], name="push_of_waybill"),
            models.Index(fields=["settled_at", "id"], name="push_settled", condition=Q(settled_at__isnull=False)),
            models.Index(fields=["settled_in", "id"], name="push_feed", condition=Q(settled_in__isnull=False)),
            # What went wrong is rare and looked for all day: an index of its own, that few writes touch.
            models.Index(
                fields=["settled_at", "id"],
                name="push_went_wrong",
                condition=Q(state__in=[PushState.FAILED, PushState.UNKNOWN]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.state}"

    @property
    def notified(self) -> bool | None:
        """Return whether a message reached the user; None: not known."""
        if self.state == PushState.UNKNOWN:
            return None
        return self.state == PushState.SENT and self.action_type in MESSAGE_TYPES
