"""The shared access token: compare and renew.

Whoever sees a token refused renews it only if the stored one is still that token, and only one process at a time does:
everyone else takes the new one. A renewal is a lease on the token's row, not a lock: no transaction is open while
WeChat is asked. Never `force_refresh`, never `/cgi-bin/token`: both void the token of every other process.
"""

import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone

from waybills.sealing import SealBroken, seal, unseal
from wechat.client import Reading, Reply, TokenReply, read_token_reply, stable_token_body
from wechat.error_codes import STOPS, Explanation, explain_token_call
from wechat.exceptions import WechatError
from wechat.models import AccessToken
from wechat.transports import CONNECT_TIMEOUT, READ_TIMEOUT, post

logger = logging.getLogger(__name__)

_PLACE, _KEY = "access_token.sealed", b"1"
RENEW_BEFORE = timedelta(minutes=4)
"""Within a token's last 5 minutes WeChat returns a new one, and both work."""
_LEASE = timedelta(seconds=CONNECT_TIMEOUT + READ_TIMEOUT + 5)
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
_LOOK_AGAIN = 0.1


@dataclass(frozen=True, slots=True)
class Token:
    """A token and the version of it, by which a refused one is named."""

    value: str
    version: int

    def __repr__(self) -> str:
        return f"Token(version={self.version})"


class TokenUnavailable(WechatError):
    """No token now. reply: what came instead; is_news: it was asked for just now, by this process."""

    def __init__(self, reply: Reply, *, is_news: bool) -> None:
        super().__init__(f"no access token from {settings.WECHAT.api_base}: {_in_words(reply)}")
        self.reply, self.is_news = reply, is_news

    @property
    def cause_of_stop(self) -> Explanation | None:
        """Return what is wrong where nobody can send until it is mended: configuration, or today's quota."""
        if self.reply.errcode is None:
            return None
        explanation = explain_token_call(self.reply.errcode)
        return explanation if explanation.reaction in STOPS else None


def obtain(*, refused: int | None = None, patience: timedelta = _LEASE) -> Token:
    """Return a token that works; refused: the version of one that WeChat just refused.

    patience: how long to wait for another process that renews it. Raise TokenUnavailable where there is none to be had.
    """
    if refused is not None:
        _void(refused)
    give_up = time.monotonic() + patience.total_seconds()
    while True:
        row = AccessToken.objects.get_or_create(pk=1)[0]
        now = timezone.now()
        token = _usable(row, now)
        if token and row.expires_at is not None and row.expires_at > now + RENEW_BEFORE:
            return token
        if token is None and row.retry_at is not None and row.retry_at > now:
            raise TokenUnavailable(Reply(Reading.LOST, errmsg=row.failure), is_news=False)
        if _take_renewal(row, now):
            return _renew(row)
        if token:
            return token
        if time.monotonic() > give_up:
            raise TokenUnavailable(Reply(Reading.LOST, errmsg="another process is renewing it"), is_news=True)
        time.sleep(_LOOK_AGAIN)


def _void(version: int) -> None:
    """End the stored token where it is still the refused one: nobody may be given it again, whatever comes next."""
    now = timezone.now()
    AccessToken.objects.filter(pk=1, version=version, expires_at__gt=now).update(expires_at=now)


def _usable(row: AccessToken, now: datetime) -> Token | None:
    if row.sealed is None or row.expires_at is None or row.expires_at <= now:
        return None
    try:
        _, value = unseal(_PLACE, _KEY, bytes(row.sealed))
    except SealBroken:
        logger.warning("the stored access token does not open under PII_KEYS; it is renewed")
        return None
    return Token(value, row.version)


def _take_renewal(row: AccessToken, now: datetime) -> bool:
    """Return whether this process renews the token: it is still the one that was seen, and nobody else does."""
    free = Q(renewing_until__isnull=True) | Q(renewing_until__lte=now)
    due = Q(retry_at__isnull=True) | Q(retry_at__lte=now)
    return bool(AccessToken.objects.filter(free, due, pk=1, version=row.version).update(renewing_until=now + _LEASE))


def _renew(row: AccessToken) -> Token:
    body = stable_token_body(settings.WECHAT.appid, settings.WECHAT.secret)
    reply = read_token_reply(post(settings.WECHAT.api_base, "stable_token", body))
    if reply.failure is not None:
        _record_failure(row, reply.failure)
        raise TokenUnavailable(reply.failure, is_news=True)
    return _store(reply, row.version + 1)


def _store(reply: TokenReply, version: int) -> Token:
    AccessToken.objects.filter(pk=1).update(
        version=version,
        sealed=seal(_PLACE, _KEY, (1, reply.token)),
        expires_at=timezone.now() + timedelta(seconds=reply.expires_in),
        renewing_until=None,
        failures=0,
        retry_at=None,
        failing_since=None,
        failure="",
    )
    return Token(reply.token, version)


def _record_failure(row: AccessToken, failure: Reply) -> None:
    pause = min(_FIRST_PAUSE * 2 ** min(row.failures, 10), _LONGEST_PAUSE)
    now = timezone.now()
    AccessToken.objects.filter(pk=1).update(
        failures=F("failures") + 1,
        retry_at=now + timedelta(seconds=max(pause, min(failure.retry_after or 0, _LONGEST_PAUSE))),
        renewing_until=None,
        failing_since=row.failing_since or now,
        failure=_in_words(failure)[:512],
    )


def _in_words(reply: Reply) -> str:
    return reply.errmsg if reply.errcode is None else f"{reply.errcode} {reply.errmsg}"
