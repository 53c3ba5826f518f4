"""Access tokens of the gateway: signed, so that every process honours them and none is stored.

An access token names the account's API token (revoking the one voids the other), the generation of its last reset, and
when it began. It begins at fixed moments, counted from the API token's making or from
the last `force_refresh`: whichever process is asked, the same token comes out, and within its last five minutes the
next one, when both work. Only `force_refresh` writes a row. Source: message-push.md, "access_token".
"""

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.core.signing import BadSignature, Signer
from django.db.models import F

from waybills.api_tokens import find_token_by_id
from waybills.models import ApiToken
from wechat.gateway.errors import Errcode, GatewayRefused
from wechat.models import GatewayReset

logger = logging.getLogger(__name__)

LIFETIME = 7200
HANDOVER = 300
"""Seconds before a token's end from which the next one is handed out."""
_PERIOD = LIFETIME - HANDOVER
FORCED_APART = timedelta(seconds=30)
"""A fleet that forces all at once would void its own tokens in turn: within these, the newest one is given."""
_SALT = "wechat.gateway.access"


@dataclass(frozen=True, slots=True)
class Granted:
    """An access token as it is handed out. expires_in: seconds left."""

    access_token: str = field(repr=False)
    expires_in: int


def grant(token: ApiToken, now: float) -> Granted:
    """Return the access token of now (Unix seconds)."""
    reset = GatewayReset.objects.filter(pk=token.pk).first()
    generation, began = (reset.generation, reset.at) if reset else (0, token.created_at)
    first = int(began.timestamp())
    issued = first + (int(now) - first) // _PERIOD * _PERIOD
    signed = _signer().sign_object([token.pk, generation, issued])
    return Granted(signed, issued + LIFETIME - int(now))


def grant_forced(token: ApiToken, now: float) -> Granted:
    """Return a new access token and void all earlier ones at once; within 30 s of the last time the newest one."""
    moment = datetime.fromtimestamp(now, UTC)
    _, has_reset = GatewayReset.objects.get_or_create(token=token, defaults={"at": moment})
    if not has_reset:
        due = GatewayReset.objects.filter(pk=token.pk, at__lte=moment - FORCED_APART)
        has_reset = bool(due.update(generation=F("generation") + 1, at=moment))
    if has_reset:
        logger.warning("gateway: account %s voids its access tokens", token.user.get_username())
    return grant(token, now)


def bearer_of(access_token: str, now: float) -> ApiToken:
    """Return whose access token this is. Raise GatewayRefused: 41001 none given, 42001 over, 40001 any other."""
    if not access_token:
        raise GatewayRefused(Errcode.ACCESS_TOKEN_MISSING)
    try:
        pk, generation, issued = _signer().unsign_object(access_token)
    except BadSignature:
        raise GatewayRefused(Errcode.INVALID_CREDENTIAL) from None
    if issued + LIFETIME <= now:
        raise GatewayRefused(Errcode.ACCESS_TOKEN_EXPIRED)
    token = find_token_by_id(pk, datetime.fromtimestamp(now, UTC))
    if token is None or _generation(token) != generation:
        raise GatewayRefused(Errcode.INVALID_CREDENTIAL)
    return token


def _generation(token: ApiToken) -> int:
    return GatewayReset.objects.filter(pk=token.pk).values_list("generation", flat=True).first() or 0


def _signer() -> Signer:
    # A full stop needs no escape in an address: clients put the token there as it is.
    return Signer(salt=_SALT, sep=".")
