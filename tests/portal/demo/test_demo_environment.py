"""The environment of `make demo`."""

import re
import socket
from pathlib import Path

from django.conf import settings

from portal.demo.environment import HONOURED, OURS, demo_environment, draw, free_port, keep_secrets


def test_keys_are_drawn_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    kept = keep_secrets(tmp_path / "var")
    first = kept.read_text()

    again = keep_secrets(tmp_path / "var")

    assert again.read_text() == first
    assert kept.stat().st_mode & 0o077 == 0


def test_two_demos_have_different_keys() -> None:
    one, other = draw(), draw()

    secret = {"DJANGO_SECRET_KEY", "PII_KEYS", "PII_INDEX_KEY", "WECHAT_TOKEN", "WECHAT_AES_KEYS", "DEMO_PASSWORD"}
    assert {name for name in one if one[name] != other[name]} >= secret


def test_the_shell_s_keys_of_another_portal_do_not_get_in(tmp_path: Path) -> None:
    outer = {
        "WECHAT_SECRET": "real",
        "PII_KEYS": "real",
        "DJANGO_DEBUG": "1",
        "WECHAT_API_BASE": "https://api.weixin.qq.com",
    }

    environment = demo_environment(outer, tmp_path)

    assert "real" not in environment.values()
    assert "DJANGO_DEBUG" not in environment
    assert environment["WECHAT_API_BASE"].startswith("http://127.0.0.1:")


def test_what_the_caller_may_choose_is_kept(tmp_path: Path) -> None:
    outer = {
        "DATABASE_URL": "postgres://db/demo",
        "CELERY_BROKER_URL": "redis://broker",
        "PORT": "9000",
        "SANDBOX_PORT": "9001",
        "DEMO_PASSWORD": "chosen by me",
        "CACHE_URL": "redis://cache",
    }

    environment = demo_environment(outer, tmp_path)

    assert environment.items() >= outer.items()
    assert environment["SANDBOX_URL"] == "http://127.0.0.1:9001/sandbox/"


def test_what_decides_how_the_portal_behaves_is_not_taken_from_the_shell(tmp_path: Path) -> None:
    outer = {
        "CALLBACK_RELAY_URL": "https://cs.example.com/",
        "PUSH_ONLY_PHONES": "13800138000",
        "PUSH_RATE": "1",
        "WECHAT_MESSAGE_MODE": "plain",
        "JSONP_PROOF": "phone_tail",
        "BIND": "0.0.0.0",
        "SANDBOX_URL": "https://example.com/",
    }

    environment = demo_environment(outer, tmp_path)

    assert not environment.items() & outer.items()
    assert demo_environment({"HOME": "/home/me", "LANG": "C"}, tmp_path)["HOME"] == "/home/me"


def test_each_variable_is_the_caller_s_or_the_demo_s() -> None:
    documented = re.findall(r"^([A-Z_]+)=", (settings.BASE_DIR / ".env.example").read_text(), re.MULTILINE)

    assert documented
    assert {name for name in documented if name not in HONOURED and not name.startswith(OURS)} == set()


def test_the_sandbox_leaves_taken_ports_and_the_portal_s_own_alone() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        assert free_port(port, avoid="1") > port
        assert free_port(port + 1, avoid=str(port + 1)) > port + 1
