"""When a carrier's system last voided its access tokens of the gateway (`force_refresh`)."""

from django.db import models

from waybills.models import ApiToken


class GatewayReset(models.Model):
    """One row for each API token that ever asked for it; the access tokens themselves are signed and not stored."""

    token = models.OneToOneField(ApiToken, models.CASCADE, primary_key=True, related_name="+")
    generation = models.PositiveIntegerField(default=1)
    """Of the access tokens that count: each reset begins the next."""
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.token}, generation {self.generation}"
