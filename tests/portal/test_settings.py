"""Which settings exist, that they are documented, and that nothing starts on a wrong one."""

import ast
import re
from pathlib import Path

import pytest

from tests.portal.conftest import ROOT, run

_READERS = {"read", "require", "get"}


def variables_read() -> set[str]:
    """Return the variables that portal/settings.py reads, from its syntax tree."""
    calls = (
        node for node in ast.walk(ast.parse((ROOT / "portal/settings.py").read_text())) if isinstance(node, ast.Call)
    )
    return {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in _READERS
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
        and call.args[0].value.isupper()
        and call.args[0].value != "ENGINE"
    }


def test_every_variable_is_in_the_settings_table() -> None:
    documented = set(re.findall(r"^\| `([A-Z_]+)`", (ROOT / "docs/settings.md").read_text(), re.MULTILINE))

    assert documented == variables_read()


def test_every_variable_is_in_the_example() -> None:
    # These two are of a process, not of a portal: the file cannot name itself.
    of_a_process = {"PORTAL_ENV_FILE", "PORTAL_ROLE"}

    example = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))

    assert example == variables_read() - of_a_process


def test_no_other_module_reads_the_environment() -> None:
    readers = [
        str(path.relative_to(ROOT))
        for app in ("portal", "waybills", "wechat")
        for path in (ROOT / app).rglob("*.py")
        if re.search(r"os\.environ(\.get\(|\[)|os\.getenv", path.read_text())
    ]

    assert readers == ["portal/settings.py"]


@pytest.mark.parametrize("https", ["0", "1"])
def test_a_complete_production_passes_the_check_for_deployment(production: dict[str, str], https: str) -> None:
    result = run(production | {"PORTAL_HTTPS": https}, "manage.py", "check", "--deploy", "--fail-level", "WARNING")

    assert result.returncode == 0, result.stderr


def test_the_example_alone_lacks_exactly_what_is_required(production: dict[str, str]) -> None:
    environment = {"PATH": production["PATH"], "PORTAL_ENV_FILE": str(ROOT / ".env.example")}

    result = run(environment, "manage.py", "check", "--deploy")

    required = {"DJANGO_SECRET_KEY", "DJANGO_ALLOWED_HOSTS", "PII_KEYS", "PII_INDEX_KEY", "WECHAT_APPID"}
    required |= {"WECHAT_SECRET", "WECHAT_USERNAME", "WECHAT_TOKEN", "WECHAT_AES_KEYS"}
    assert result.returncode == 1
    assert set(re.findall(r"([A-Z_]+) is not set", result.stderr)) == required


WRONG = {
    "BIND": "everywhere",
    "BINDING_TTL": "86400",
    "CACHE_URL": "carrier-pigeon://",
    "CALLBACK_RELAY_URL": "not-an-address",
    "CALLBACK_TOLERANCE": "five minutes",
    "CELERY_BROKER_URL": "kafka://broker",
    "DATABASE_URL": "mysql://root@db/portal",
    "DEMO_PASSWORD": "short",
    "DJANGO_DEBUG": "perhaps",
    "DJANGO_SECRET_KEY": "too-short",
    "JSONP_CALLBACK_PARAM": "a b",
    "JSONP_MASK": "nobody",
    "JSONP_PROOF": "honour",
    "JSONP_RATE": "600",
    "JSONP_WAYBILL_PARAM": "1=2",
    "PUSH_POLL": "0",
    "LINE_PROBE": "0",
    "PII_INDEX_KEY": "c2hvcnQ=",
    "PII_KEYS": "not base64!",
    "PORT": "80000",
    "PORTAL_HTTPS": "yes please",
    "PORTAL_SURFACE": "inner",
    "PROCESSES": "0",
    "PUSH_ACTION_TYPES": "派送中",
    "PUSH_COALESCE": "x",
    "PUSH_DEADLINE": "6h",
    "PUSH_LEASE": "0",
    "PUSH_ORDER_WAIT": "-1",
    "PUSH_RATE": "0",
    "PUSH_RETRY_FIRST": "0",
    "PUSH_UNBOUND": "ask",
    "SANDBOX_PORT": "0",
    "SANDBOX_URL": "127.0.0.1:8001",
    "THREADS": "none",
    "TRUSTED_PROXIES": "10.0.0.1/8",
    "WECHAT_AES_KEYS": "A" * 42,
    "WECHAT_API_BASE": "api.weixin.qq.com",
    "WECHAT_APPID": "wx 123",
    "WECHAT_MESSAGE_MODE": "SAFE",
    "WECHAT_SECRET": "two words",
    "WECHAT_TOKEN": "with-hyphen",
    "WECHAT_USERNAME": "wx123",
}
"""A wrong value of each variable that can have one."""
ANY_TEXT = {"DJANGO_ALLOWED_HOSTS", "DJANGO_CSRF_TRUSTED_ORIGINS", "PUSH_ONLY_PHONES", "PORTAL_ENV_FILE", "PORTAL_ROLE"}


def test_each_variable_has_a_wrong_value_in_this_test() -> None:
    assert variables_read() - ANY_TEXT == WRONG.keys()


def test_all_wrong_variables_are_named_at_once_and_no_value_is(production: dict[str, str]) -> None:
    environment = {**production, **WRONG}

    result = run(environment, "manage.py", "check")

    named = set(re.findall(r"([A-Z_]+) is wrong", result.stderr))
    assert result.returncode == 1
    assert named == WRONG.keys()
    assert "Expected a number by /s, /min, /h or /day, such as 600/min." in result.stderr
    assert "Expected wx and 16 letters and digits." in result.stderr
    assert "two words" not in result.stderr
    assert "root@db" not in result.stderr


def test_missing_secrets_are_named_with_the_way_to_make_them(production: dict[str, str]) -> None:
    for variable in ("DJANGO_SECRET_KEY", "PII_KEYS", "PII_INDEX_KEY"):
        del production[variable]

    result = run(production, "manage.py", "check")

    assert result.returncode == 1
    for variable in ("DJANGO_SECRET_KEY", "PII_KEYS", "PII_INDEX_KEY"):
        assert f"{variable} is not set." in result.stderr
    assert "secrets.token_urlsafe(50)" in result.stderr
    assert "b64encode(os.urandom(32))" in result.stderr


def test_debug_needs_no_keys(tmp_path: Path, production: dict[str, str]) -> None:
    environment = {"PATH": production["PATH"], "PORTAL_ENV_FILE": "/dev/null", "DJANGO_DEBUG": "1"}

    result = run(environment, "manage.py", "check")

    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("finding", ["DJANGO_DEBUG", "DJANGO_ALLOWED_HOSTS"])
def test_what_is_right_in_shape_but_unfit_for_traffic_is_named(production: dict[str, str], finding: str) -> None:
    production |= {"DJANGO_DEBUG": "1", "DJANGO_ALLOWED_HOSTS": ""}

    result = run(production, "manage.py", "serve", "worker")

    assert result.returncode == 1
    assert finding in result.stderr


@pytest.mark.processes
@pytest.mark.parametrize(
    "words",
    [
        ("-m", "granian", "--interface", "wsgi", "--workers", "1", "portal.wsgi:application"),
        ("-m", "celery", "-A", "portal", "worker"),
        ("manage.py", "serve"),
        ("manage.py", "migrate"),
    ],
    ids=["granian", "celery", "serve", "a command"],
)
def test_no_process_starts_on_a_wrong_setting(production: dict[str, str], words: tuple[str, ...]) -> None:
    production |= {"PUSH_DEADLINE": "tomorrow", "PII_KEYS": ""}

    result = run(production, *words)

    said = result.stdout + result.stderr
    assert result.returncode != 0
    assert "PUSH_DEADLINE is wrong" in said
    assert "PII_KEYS is not set" in said


def test_the_environment_wins_over_the_file(tmp_path: Path, production: dict[str, str]) -> None:
    file = tmp_path / "portal.env"
    file.write_text("PORT=1234\nTHREADS=9\n")
    production |= {"PORTAL_ENV_FILE": str(file), "PORT": "4321"}

    result = run(
        production,
        "-c",
        "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'portal.settings'\n"
        "from django.conf import settings; print(settings.SERVER.port, settings.SERVER.threads)",
    )

    assert result.stdout.split() == ["4321", "9"]
