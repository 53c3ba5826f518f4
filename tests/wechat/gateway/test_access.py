"""The access tokens of the gateway."""

import time

import pytest
from django.contrib.auth.models import User
from django.core.signing import Signer
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from tests.wechat.gateway.conftest import NAME, Gateway, make_secret
from waybills.models import ApiToken
from wechat.gateway.access import HANDOVER, LIFETIME, bearer_of, grant, grant_forced
from wechat.gateway.errors import GatewayRefused
from wechat.models import GatewayReset

pytestmark = pytest.mark.django_db


@pytest.fixture
def token(gateway: Gateway) -> ApiToken:
    return ApiToken.objects.get()


def errcode_of(access_token: str, now: float) -> int:
    try:
        bearer_of(access_token, now)
    except GatewayRefused as refusal:
        return int(refusal.errcode)
    return 0


def test_a_token_stays_the_same_until_its_last_five_minutes_and_both_work_then(token: ApiToken) -> None:
    began = int(token.created_at.timestamp())

    first = grant(token, began)
    late = grant(token, began + LIFETIME - HANDOVER - 1)
    following = grant(token, began + LIFETIME - HANDOVER)

    assert first.access_token == late.access_token
    assert (first.expires_in, late.expires_in) == (LIFETIME, HANDOVER + 1)
    assert following.access_token != first.access_token
    assert following.expires_in == LIFETIME
    last_moment = began + LIFETIME - 1
    assert errcode_of(first.access_token, last_moment) == errcode_of(following.access_token, last_moment) == 0
    assert errcode_of(first.access_token, last_moment + 1) == 42001


class Lifetimes(TestCase):
    """Whenever it is asked for."""

    @given(st.integers(-10_000_000, 10_000_000))
    def test_every_token_lasts_as_long_as_it_says(self, seconds: int) -> None:
        user = User.objects.create(username="lifetimes")
        token = ApiToken(user=user, digest=b"d" * 32, created_at="2026-01-01T00:00:00Z")
        token.save()
        token.refresh_from_db()
        now = token.created_at.timestamp() + seconds

        granted = grant(token, now)

        assert HANDOVER < granted.expires_in <= LIFETIME
        assert errcode_of(granted.access_token, now + granted.expires_in - 1) == 0
        assert errcode_of(granted.access_token, now + granted.expires_in) == 42001


def test_rotating_the_accounts_token_voids_its_access_tokens(gateway: Gateway) -> None:
    access_token = gateway.stable_token()["access_token"]

    make_secret("--rotate")

    assert gateway.call("userquery", {"phone": "13800138000"}, access_token)["errcode"] == 40001
    assert gateway.stable_token()["errcode"] == 40125


def test_an_account_that_is_turned_off_is_nobody(gateway: Gateway) -> None:
    access_token = gateway.stable_token()["access_token"]

    User.objects.filter(username=NAME).update(is_active=False)

    assert gateway.call("userquery", {"phone": "13800138000"}, access_token)["errcode"] == 40001
    assert gateway.stable_token()["errcode"] == 40125


def test_a_forced_token_voids_all_before_it_and_another_force_soon_after_changes_nothing(token: ApiToken) -> None:
    now = time.time() + 100
    old = grant(token, now)

    forced = grant_forced(token, now)
    again = grant_forced(token, now + 29)
    later = grant_forced(token, now + 60)

    assert str(GatewayReset.objects.get()) == f"{token}, generation 2"
    assert forced.access_token != old.access_token
    assert forced.access_token == again.access_token
    assert forced.expires_in == LIFETIME
    assert errcode_of(old.access_token, now) == 40001
    assert later.access_token != forced.access_token
    assert errcode_of(forced.access_token, now + 60) == 40001
    assert errcode_of(later.access_token, now + 60) == 0


def test_a_token_that_something_else_signed_is_none_of_ours(token: ApiToken) -> None:
    issued = int(time.time())

    forged = Signer(salt="another", sep=".").sign_object([token.pk, 0, issued])
    granted = grant(token, issued).access_token

    assert errcode_of(granted, issued) == 0
    assert errcode_of(forged, issued) == 40001
    assert {errcode_of(granted[:-1], issued), errcode_of("名" + granted, issued), errcode_of(".", issued)} == {40001}


@pytest.mark.parametrize("name", ["o\0ms", "nobody", ["oms"], 7])
def test_a_name_of_no_account_is_no_appid(gateway: Gateway, name: object) -> None:
    assert gateway.stable_token(appid=name)["errcode"] == 40013


def test_a_member_of_staff_is_no_service_account(gateway: Gateway, admin_user: User) -> None:
    assert gateway.stable_token(appid=admin_user.username)["errcode"] == 40013


def test_the_secret_of_another_account_is_none(gateway: Gateway) -> None:
    User.objects.create(username="tms")
    ApiToken.objects.create(
        user=User.objects.get(username="tms"), digest=ApiToken.digest_of("t"), created_at="2026-01-01T00:00:00Z"
    )

    assert gateway.stable_token(secret="t")["errcode"] == 40125
    assert gateway.stable_token(secret=["t"])["errcode"] == 40125
