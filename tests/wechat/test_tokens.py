"""The shared token, seen by one process while others renew it, or with another key."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from tests.wechat.farside import FarSide, after, text
from wechat import tokens
from wechat.models import AccessToken
from wechat.tokens import RENEW_BEFORE, Token, TokenUnavailable

NEW = '{"access_token":"token-2","expires_in":7200}'
HELD = timedelta(seconds=30)


def expire_in(left: timedelta, *, renewing: timedelta | None = None) -> None:
    """Let the stored token have so long to live; renewing: another process renews it, for so long."""
    now = timezone.now()
    until = None if renewing is None else now + renewing
    AccessToken.objects.update(expires_at=now + left, renewing_until=until)


def in_a_thread(work: Callable[[], object]) -> threading.Thread:
    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_neither_a_token_nor_what_holds_one_shows_it(far: FarSide) -> None:
    token = tokens.obtain()

    assert token.value == "token-1"
    assert "token-1" not in f"{token!r} {token} {AccessToken.objects.get()}"


def test_whoever_comes_during_a_renewal_waits_for_it_and_takes_its_token(far: FarSide) -> None:
    far.next("stable_token", after(0.5, text(NEW)))
    got: list[Token] = []

    threads = [in_a_thread(lambda: got.append(tokens.obtain())) for _ in range(2)]
    for thread in threads:
        thread.join()

    assert [token.value for token in got] == ["token-2", "token-2"]
    assert len(far.calls("stable_token")) == 1


def test_near_its_end_the_old_token_serves_while_another_process_renews_it(far: FarSide) -> None:
    tokens.obtain()
    expire_in(RENEW_BEFORE - timedelta(seconds=1), renewing=HELD)

    assert tokens.obtain().value == "token-1"
    assert len(far.calls("stable_token")) == 1


def test_near_its_end_a_token_is_renewed(far: FarSide) -> None:
    tokens.obtain()
    expire_in(RENEW_BEFORE - timedelta(seconds=1))
    far.next("stable_token", text(NEW))

    assert tokens.obtain() == Token("token-2", 2)


def test_a_renewal_that_does_not_end_is_waited_for_so_long_and_no_longer(far: FarSide) -> None:
    tokens.obtain()
    expire_in(timedelta(), renewing=HELD)

    with pytest.raises(TokenUnavailable) as error:
        tokens.obtain(patience=timedelta(seconds=0.3))

    assert error.value.is_news
    assert error.value.cause_of_stop is None
    assert len(far.calls("stable_token")) == 1


def test_a_renewal_whose_process_died_is_taken_over(far: FarSide) -> None:
    tokens.obtain()
    expire_in(timedelta(), renewing=timedelta(seconds=0.3))
    far.next("stable_token", text(NEW))

    assert tokens.obtain() == Token("token-2", 2)


def test_a_stored_token_that_does_not_open_is_renewed(far: FarSide, change: Any, caplog: Any) -> None:
    tokens.obtain()
    change("SEAL", keys=(b"k" * 32,))
    far.next("stable_token", text(NEW))

    assert tokens.obtain() == Token("token-2", 2)
    assert "PII_KEYS" in caplog.text
    assert settings.WECHAT.secret not in caplog.text


def test_a_refused_token_is_not_given_out_again_and_a_newer_one_is_left_alone(far: FarSide) -> None:
    first = tokens.obtain()
    far.next("stable_token", text(NEW))

    assert tokens.obtain(refused=first.version).value == "token-2"
    assert tokens.obtain(refused=first.version).value == "token-2"
    assert len(far.calls("stable_token")) == 2
