"""The login is not tried without end: by account and by address, for a quarter of an hour."""

import time
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from portal.login_throttle import Throttle

pytestmark = pytest.mark.django_db
PASSWORD = "a rather long password"
REFUSED = "登录失败次数过多，请 15 分钟后再试。"


@pytest.fixture(autouse=True)
def _nothing_counted() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def person() -> User:
    return User.objects.create_user("xiaoli", password=PASSWORD, is_staff=True)


def log_in(username: str, password: str, **headers: str) -> Any:
    return Client().post(reverse("admin:login"), {"username": username, "password": password}, **headers)


def address(number: int) -> dict[str, str]:
    return {"REMOTE_ADDR": f"198.51.100.{number}"}


def test_an_account_is_closed_after_ten_failures_from_anywhere(person: User, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(10):
        assert REFUSED not in log_in("xiaoli", "wrong", **address(number)).content.decode()

    answer = log_in("xiaoli", PASSWORD, **address(99))

    assert REFUSED in answer.content.decode()
    assert "_auth_user_id" not in answer.client.session
    assert "198.51.100.99" in caplog.text
    assert "xiaoli" not in caplog.text


def test_an_address_is_closed_after_ten_failures_with_any_account(person: User) -> None:
    for number in range(10):
        log_in(f"guess{number}", "wrong", **address(1))

    assert log_in("xiaoli", PASSWORD, **address(1)).status_code == 200
    assert log_in("xiaoli", PASSWORD, **address(2)).status_code == 302


def test_nine_failures_are_forgiven_and_forgotten(person: User) -> None:
    for _ in range(2):
        for number in range(9):
            log_in("xiaoli", "wrong", **address(number))

        assert log_in("xiaoli", PASSWORD, **address(9)).status_code == 302


def test_whoever_logs_in_often_fails_never(person: User) -> None:
    assert {log_in("xiaoli", PASSWORD, **address(1)).status_code for _ in range(12)} == {302}


def test_the_address_is_looked_up_behind_trusted_proxies(person: User, settings: Any) -> None:
    settings.TRUSTED_PROXIES = (ip_network("10.0.0.0/8"),)
    for number in range(10):
        log_in(f"guess{number}", "wrong", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="203.0.113.7")

    refused = log_in("xiaoli", PASSWORD, REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="203.0.113.7")
    other = log_in("xiaoli", PASSWORD, REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="203.0.113.8")

    assert (refused.status_code, other.status_code) == (200, 302)


def test_an_empty_form_counts_for_nobody(person: User) -> None:
    for _ in range(12):
        log_in("", "", **address(1))

    assert log_in("xiaoli", PASSWORD, **address(1)).status_code == 302


def test_the_count_runs_out() -> None:
    throttle = Throttle(most=1, period=0.1)
    assert throttle.admits("a", "198.51.100.1")
    assert not throttle.admits("a", "198.51.100.1")

    time.sleep(0.12)

    assert throttle.admits("a", "198.51.100.1")


def test_a_name_of_any_length_and_script_is_counted() -> None:
    throttle = Throttle(most=1)

    assert throttle.admits("李" * 10_000 + "\n", None)
    assert not throttle.admits("李" * 10_000 + "\n", "198.51.100.1")
