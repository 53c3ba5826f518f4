"""What a wrong configuration is told before anything is served."""

from typing import Any

import pytest

from wechat import checks

CHECKS = (checks.check_mini_program, checks.check_keys, checks.check_relay, checks.check_api_base)


@pytest.fixture
def production(settings: Any, change: Any) -> None:
    settings.DEBUG = settings.TESTING = False
    change("WECHAT", secret="s3cret")


def found() -> list[tuple[str | None, str]]:
    return [(finding.id, finding.msg) for check in CHECKS for finding in check(None)]


@pytest.mark.usefixtures("production")
def test_a_whole_configuration_is_in_order() -> None:
    assert found() == []


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize(
    ("field", "variable"),
    [
        ("appid", "WECHAT_APPID"),
        ("secret", "WECHAT_SECRET"),
        ("username", "WECHAT_USERNAME"),
        ("token", "WECHAT_TOKEN"),
    ],
)
def test_the_missing_variable_is_named(change: Any, field: str, variable: str) -> None:
    change("WECHAT", **{field: ""})

    assert found() == [("wechat.E001", f"{variable} is not set.")]


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize("mode", ["safe", "compat"])
def test_an_encrypted_mode_needs_a_key(change: Any, mode: str) -> None:
    change("WECHAT", aes_keys=(), message_mode=mode)

    assert found() == [("wechat.E002", f"WECHAT_AES_KEYS is not set, and WECHAT_MESSAGE_MODE is {mode}.")]


@pytest.mark.usefixtures("production")
def test_plain_mode_needs_no_key(change: Any) -> None:
    change("WECHAT", aes_keys=(), message_mode="plain")

    assert found() == []


def test_debug_runs_without_a_mini_program(settings: Any, change: Any) -> None:
    settings.DEBUG, settings.TESTING = True, False
    change("WECHAT", appid="", secret="", username="", token="", aes_keys=())

    assert found() == []


def test_debug_with_half_a_message_push_is_told(settings: Any, change: Any) -> None:
    settings.DEBUG = True
    change("WECHAT", aes_keys=())

    assert [id_ for id_, _ in found()] == ["wechat.E002"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/wechat/callback/", "https://portal.example/wechat/callback"])
def test_a_relay_to_the_portal_itself_is_refused(settings: Any, change: Any, url: str) -> None:
    settings.ALLOWED_HOSTS = ["portal.example"]
    change("WECHAT", relay_url=url)

    assert [id_ for id_, _ in found()] == ["wechat.E003"]


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:8000/cs/", "https://other.example/wechat/callback/"])
def test_a_relay_elsewhere_is_in_order(change: Any, url: str) -> None:
    change("WECHAT", relay_url=url)

    assert found() == []


@pytest.mark.parametrize(
    ("base", "ids"),
    [
        ("https://api.weixin.qq.com", []),
        ("http://127.0.0.1:8001", []),
        ("http://localhost:8001", []),
        ("http://api.weixin.qq.com", ["wechat.E004"]),
    ],
)
def test_the_api_is_called_over_tls(change: Any, base: str, ids: list[str]) -> None:
    change("WECHAT", api_base=base)

    assert [id_ for id_, _ in found()] == ids


def test_a_key_stands_once(change: Any) -> None:
    change("WECHAT", aes_keys=(bytes(32), bytes(32)))

    assert [id_ for id_, _ in found()] == ["wechat.E005"]


def test_ids_are_unique() -> None:
    ids = [checks.MISSING, checks.NO_KEY, checks.RELAY_LOOPS, checks.API_IN_THE_CLEAR, checks.SAME_KEY_TWICE]

    assert len(set(ids)) == len(ids)
