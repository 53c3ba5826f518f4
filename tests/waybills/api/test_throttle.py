"""How many requests an account may send."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache

from tests.live import free_port
from tests.waybills.api.conftest import Api, make_account, path

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _three_a_day(change: Any) -> None:
    cache.clear()
    change("API", rate=(3, 86400))


def test_beyond_the_rate_an_account_is_told_when_to_go_on(api: Api) -> None:
    answers = [api.get("cells/").status_code for _ in range(3)]
    refused = api.post("paths/", path())

    assert answers == [200, 200, 200]
    assert (refused.status_code, refused.json()["code"]) == (429, "throttled")
    assert 0 < int(refused["Retry-After"]) <= 86400


def test_an_account_s_tokens_share_its_rate_and_another_account_has_its_own(
    api: Api, description: dict[str, Any]
) -> None:
    other = Api(make_account("erp"), description)
    for _ in range(4):
        api.get("cells/")

    rotated = Api(make_account("oms", "--rotate"), description)

    assert (rotated.get("cells/").status_code, other.get("cells/").status_code) == (429, 200)


def test_the_rate_starts_anew_with_its_period(api: Api, change: Any) -> None:
    change("API", rate=(1, 1))
    until = time.monotonic() + 20

    while api.get("cells/").status_code == 200:
        assert time.monotonic() < until
    while api.get("cells/").status_code == 429:
        assert time.monotonic() < until


def test_a_shared_cache_that_is_away_refuses_nothing_but_what_is_over_the_rate(
    api: Api, use_cache: Callable[[str], None]
) -> None:
    use_cache(f"redis://127.0.0.1:{free_port()}/1")

    assert [api.get("cells/").status_code for _ in range(4)] == [200, 200, 200, 429]


def test_who_has_no_token_uses_up_nobody_s_rate(api: Api, stranger: Api) -> None:
    for _ in range(5):
        assert stranger.get("cells/").status_code == 401

    assert api.get("cells/").status_code == 200
