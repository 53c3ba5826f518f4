"""The token of a service account, stored as its hash."""

import hashlib
import secrets

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class ApiToken(models.Model):
    """The API token of one service account. The token itself (256 random bits) is shown once and not kept."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, verbose_name=_("service account"), related_name="api_token"
    )
    digest = models.BinaryField(max_length=32, editable=False)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        constraints = [models.UniqueConstraint(fields=["digest"], name="api_token_digest_unique")]

    def __str__(self) -> str:
        return f"token of {self.user}"

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
