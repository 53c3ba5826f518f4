"""The one access token that all processes share. `wechat.tokens` renews it."""

from django.db import models
from django.db.models import Q


class AccessToken(models.Model):
    """One row: the sealed token, until when, and who renews it now."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    version = models.BigIntegerField(default=0)
    """One more with each renewal: whoever saw an older version refused takes this one."""
    sealed = models.BinaryField(null=True, editable=False)
    """[1, token], bound to "1"."""
    expires_at = models.DateTimeField(null=True)
    renewing_until = models.DateTimeField(null=True)
    """The lease of the one process that renews it; no transaction is held over the network."""
    failures = models.PositiveIntegerField(default=0)
    """Renewals that failed in a row."""
    retry_at = models.DateTimeField(null=True)
    """After a failed renewal: not before this moment."""
    failing_since = models.DateTimeField(null=True)
    """When the first of the renewals that failed in a row did; null while the token works."""
    failure = models.CharField(max_length=512, blank=True)
    """What the last of them met: WeChat's code and words, or what the network did."""

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="access_token_is_one")]

    def __str__(self) -> str:
        return f"access token, version {self.version}"
