"""The tokens of service accounts, stored as their hashes."""

import hashlib
import secrets
from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Scope(models.TextChoices):
    """What a token may be used for; the account's permissions limit it further."""

    INGEST = "ingest", _("ingest: post waybills and path events, void events")
    READ = "read", _("read: waybills, pushes, cells, the line")
    PUSH = "push", _("push: push again, set the cells, stop and resume the line")


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Tokens in the words of the desk."""

    def unrevoked(self) -> Self:
        """Return those that nobody revoked, expired ones among them."""
        return self.filter(revoked_at__isnull=True)

    def in_force(self, now: datetime) -> Self:
        """Return those by which one may call: neither revoked nor expired, of an active account that is no person's."""
        account = {"user__is_active": True, "user__is_staff": False}
        return self.unrevoked().filter(Q(expires_at__isnull=True) | Q(expires_at__gt=now), **account)


class ApiToken(models.Model):
    """An API token of a service account. The token itself (256 random bits) is shown once and not kept."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, verbose_name=_("service account"), related_name="api_tokens"
    )
    name = models.CharField(_("what for"), max_length=64, blank=True)
    digest = models.BinaryField(max_length=32, editable=False)
    may_ingest = models.BooleanField(Scope.INGEST.label, default=True)
    may_read = models.BooleanField(Scope.READ.label, default=True)
    may_push = models.BooleanField(Scope.PUSH.label, default=True)
    created_at = models.DateTimeField(_("created at"))
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, editable=False)
    last_used_at = models.DateTimeField(_("last used at"), null=True, editable=False)
    """To the minute or so: `waybills.api_tokens` writes it rarely, and never waits for it."""

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["digest"], name="api_token_digest_unique"),
            models.CheckConstraint(
                condition=Q(may_ingest=True) | Q(may_read=True) | Q(may_push=True),
                name="api_token_has_a_scope",
                violation_error_message=_("A token without a scope is good for nothing: tick one at least."),
            ),
        ]

    def __str__(self) -> str:
        return f"token {self.pk} of {self.user}"

    @property
    def scopes(self) -> frozenset[Scope]:
        """Return what the token may be used for."""
        granted = {Scope.INGEST: self.may_ingest, Scope.READ: self.may_read, Scope.PUSH: self.may_push}
        return frozenset(scope for scope, is_granted in granted.items() if is_granted)

    @scopes.setter
    def scopes(self, scopes: frozenset[Scope]) -> None:
        self.may_ingest, self.may_read, self.may_push = (scope in scopes for scope in Scope)

    def state(self, now: datetime) -> str:
        """Return in_force, expired, revoked or account_off."""
        if self.revoked_at is not None:
            return "revoked"
        if not self.user.is_active:
            return "account_off"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "in_force"

    @staticmethod
    def make() -> str:
        """Return a new token."""
        return secrets.token_urlsafe(32)

    @staticmethod
    def digest_of(token: str) -> bytes:
        """Return what is stored of a token: random bits need no slow hash.

        >>> len(ApiToken.digest_of("t"))
        32
        """
        return hashlib.sha256(token.encode()).digest()
