"""Which handler and which surface a request meets, and what the probes say."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests
from django.core.management import call_command
from django.db import connection

from portal.urls import addresses
from portal.wsgi import Portal as Application
from tests.live import answers, eventually, free_port
from tests.wsgi import call
from waybills.documents import Contact
from waybills.ingest import WaybillItem, ingest

ROOT = Path(__file__).resolve().parent.parent.parent


def status_of(application: Any, path: str) -> int:
    seen: list[str] = []
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": "", "HTTP_HOST": "testserver"}
    server = {"SERVER_NAME": "testserver", "SERVER_PORT": "80", "wsgi.url_scheme": "http", "wsgi.input": BytesIO()}
    answer = application(environ | server, lambda status, headers, exc_info=None: seen.append(status))
    b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    return int(seen[0].split()[0])


def test_healthz_needs_nothing() -> None:
    answer = call("GET", "/healthz", HTTP_HOST="10.0.0.1")

    assert (answer.status, answer.body) == (200, b"ok")


def test_what_wechat_asks_meets_no_middleware() -> None:
    answer = call("GET", "/wechat/callback/", HTTP_HOST="any.host", HTTP_COOKIE="sessionid=x")

    assert (answer.status, answer.body) == (403, b"refused")
    assert set(answer.headers) == {"Content-Type"}


def test_everything_else_meets_django_s_chain() -> None:
    answer = call("GET", "/nothing/", HTTP_HOST="testserver", **{"wsgi.url_scheme": "https"})

    assert answer.status == 404
    assert answer.headers["X-Frame-Options"] == "DENY"


def test_an_unknown_address_beside_the_callback_is_404() -> None:
    assert call("GET", "/wechat/other/").status == 404


@pytest.mark.parametrize(
    ("surface", "has_edge", "has_ops"), [("all", True, True), ("edge", True, False), ("ops", False, True)]
)
def test_each_surface_has_its_addresses(surface: str, has_edge: bool, has_ops: bool) -> None:
    routes = {str(address.pattern) for address in addresses(surface)}

    assert {"healthz", "readyz"} <= routes
    assert ("wechat/callback/" in routes) is has_edge
    assert ("waybills/info/" in routes) is has_edge
    assert ("admin/" in routes) is (has_ops and "admin/" in {str(a.pattern) for a in addresses("all")})


def test_the_edge_has_no_other_handler() -> None:
    assert status_of(Application("edge"), "/healthz") == 200
    assert status_of(Application("edge"), "/nothing/") == 404


@pytest.mark.django_db
def test_readyz_says_that_all_is_in_order() -> None:
    answer = call("GET", "/readyz")

    assert answer.status == 200
    assert orjson.loads(answer.body) == {"database": "ok", "migrations": "ok", "keys": "ok"}


@pytest.fixture
def one_waybill(db: None) -> None:
    ingest([WaybillItem("SF1", 1600000000, Contact(), Contact(name="李四", phone="13800138000"))], [])


@pytest.mark.usefixtures("one_waybill")
def test_readyz_knows_the_keys_of_the_data() -> None:
    assert orjson.loads(call("GET", "/readyz").body)["keys"] == "ok"


@pytest.mark.usefixtures("one_waybill")
@pytest.mark.parametrize(
    ("field", "value", "finding"),
    [
        ("keys", (bytes(32),), "PII_KEYS does not open what is stored"),
        ("index_key", bytes(32), "PII_INDEX_KEY is not the one of what is stored"),
    ],
)
def test_readyz_names_the_key_that_is_wrong(change: Any, field: str, value: Any, finding: str) -> None:
    change("SEAL", **{field: value})

    answer = call("GET", "/readyz")

    assert (answer.status, orjson.loads(answer.body)["keys"]) == (503, finding)


@pytest.fixture
def _unapplied(transactional_db: None) -> Iterator[None]:
    from waybills.readiness import require_migrations

    require_migrations.cache_clear()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'wechat'")
    yield
    call_command("migrate", "wechat", fake=True, verbosity=0)
    require_migrations.cache_clear()


@pytest.mark.usefixtures("_unapplied")
def test_readyz_sees_a_migration_that_waits() -> None:
    answer = call("GET", "/readyz")

    assert (answer.status, orjson.loads(answer.body)["migrations"]) == (503, "not applied")


def web_environment(database_url: str, **more: str) -> dict[str, str]:
    return os.environ | {
        "DATABASE_URL": database_url,
        "PORTAL_ENV_FILE": os.devnull,
        "DJANGO_DEBUG": "1",
        "WECHAT_TOKEN": "AAAAA",
        "WECHAT_MESSAGE_MODE": "plain",
        **more,
    }


def test_a_process_with_a_wrong_setting_does_not_start(tmp_path: Path) -> None:
    environment = web_environment(f"sqlite:///{tmp_path / 'p.sqlite3'}", WECHAT_MESSAGE_MODE="safest")

    done = subprocess.run(
        [sys.executable, "-c", "import portal.wsgi"], cwd=ROOT, env=environment, capture_output=True, text=True
    )

    assert done.returncode == 1
    assert "WECHAT_MESSAGE_MODE" in done.stderr


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes], dict[str, str]]]:
    """Yield (address, process, environment) of a granian as in production, on a database of its own."""
    environment = web_environment(f"sqlite:///{tmp_path / 'portal.sqlite3'}")
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=environment, check=True)
    port = free_port()
    command = [sys.executable, "-m", "portal.granian_server", "--interface", "wsgi", "--port", str(port)]
    command += ["--workers", "1", "--blocking-threads", "2", "portal.wsgi:application"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    address = f"http://127.0.0.1:{port}"
    try:
        eventually(lambda: answers(f"{address}/healthz"), "the server answers")
        yield address, process, environment
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def signed_query() -> str:
    from wechat.signature import sign

    now = str(int(time.time()))
    return f"signature={sign('AAAAA', now, '1')}&timestamp={now}&nonce=1"


def audited(environment: dict[str, str]) -> tuple[int, int]:
    """Return how many callbacks and refusals are in a server's database."""
    import sqlite3

    name = environment["DATABASE_URL"].removeprefix("sqlite:///")
    with sqlite3.connect(name) as database:
        rows = database.execute("SELECT count(*) FROM wechat_callback").fetchone()
        refusals = database.execute("SELECT coalesce(sum(count), 0) FROM wechat_callbackrefusal").fetchone()
    return int(rows[0]), int(refusals[0])


@pytest.mark.processes
def test_a_server_that_is_stopped_has_written_its_audit(
    served: tuple[str, subprocess.Popen[bytes], dict[str, str]],
) -> None:
    address, process, environment = served
    url = f"{address}/wechat/callback/?{signed_query()}"

    for _ in range(3):
        assert requests.post(url, b'{"Event":"other"}', timeout=5).text == "success"
        assert requests.post(f"{address}/wechat/callback/", b"", timeout=5).status_code == 403
    process.send_signal(signal.SIGTERM)
    process.wait(20)

    assert audited(environment) == (3, 3)


@pytest.mark.processes
def test_a_chunked_body_without_end_is_cut_off(served: tuple[str, subprocess.Popen[bytes], dict[str, str]]) -> None:
    address, _, _ = served
    url = f"{address}/wechat/callback/?{signed_query()}"

    whole = requests.post(url, data=iter([b'{"Event":', b'"other"}']), timeout=5)
    endless = requests.post(url, data=(b"x" * 4096 for _ in range(64)), timeout=5)

    assert (whole.status_code, whole.text) == (200, "success")
    assert (endless.status_code, endless.text) == (403, "refused")


@pytest.mark.processes
def test_a_server_s_audit_is_written_while_it_runs(
    served: tuple[str, subprocess.Popen[bytes], dict[str, str]],
) -> None:
    address, _, environment = served
    requests.post(f"{address}/wechat/callback/?{signed_query()}", b'{"Event":"other"}', timeout=5)

    deadline = time.monotonic() + 10
    while audited(environment)[0] == 0 and time.monotonic() < deadline:
        time.sleep(0.05)

    assert audited(environment)[0] == 1
