"""The token of a service account, stored as its hash."""

import hashlib
import secrets

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Which tokens are accepted, wherever a caller shows one."""

    def in_force(self) -> "ApiTokenQuerySet":
        """Return those that are accepted now, with their accounts."""
        return self.select_related("user").filter(user__is_active=True)

    def authenticate(self, token: str) -> "ApiToken | None":
        """Return the token that a caller shows, found by its hash in one query; None where it is none in force."""
        return self.in_force().filter(digest=ApiToken.digest_of(token)).first()


class ApiToken(models.Model):
    """The API token of one service account. The token itself (256 random bits) is shown once and not kept."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, verbose_name=_("service account"), related_name="api_token"
    )
    digest = models.BinaryField(max_length=32, editable=False)
    created_at = models.DateTimeField(_("created at"))

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        constraints = [models.UniqueConstraint(fields=["digest"], name="api_token_digest_unique")]

    def __str__(self) -> str:
        return f"token of {self.user}"

    def may(self, permission: str) -> bool:
        """Return whether who calls with this token has a permission (`app.codename`)."""
        return self.user.has_perm(permission)

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
