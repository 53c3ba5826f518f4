"""The whole product as processes: web and workers as in production, and WeChat's sandbox."""

import os
import secrets
import signal
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import requests

from tests.live import answers, eventually, free_port

ROOT = Path(__file__).parents[2]
PASSWORD = secrets.token_urlsafe(16)


@dataclass
class System:
    """Where everything listens, and how to speak with it."""

    portal: str
    sandbox: str
    token: str
    environment: dict[str, str]
    serving: "subprocess.Popen[bytes] | None" = None

    def post(self, path: str, body: Any) -> dict[str, Any]:
        """Post as the carrier's systems do."""
        headers = {"Authorization": f"Token {self.token}"}
        response = requests.post(self.portal + path, json=body, headers=headers, timeout=30)
        response.raise_for_status()
        answer: dict[str, Any] = response.json()
        return answer

    def pushes(self, no: str) -> list[dict[str, Any]]:
        """Return a waybill's pushes as the API tells them."""
        headers = {"Authorization": f"Token {self.token}"}
        response = requests.get(f"{self.portal}/api/v1/pushes/?waybill_id={no}", headers=headers, timeout=30)
        results: list[dict[str, Any]] = response.json()["results"]
        return results

    def bind(self, phone: str) -> None:
        """Bind a phone in the sandbox."""
        requests.post(f"{self.sandbox}/sandbox/api/bind", json={"phone": phone}, timeout=10).raise_for_status()

    def ledger(self, call: str) -> list[dict[str, Any]]:
        """Return the calls of this name that the sandbox got, newest first."""
        answer = requests.get(f"{self.sandbox}/sandbox/api/ledger?call={call}", timeout=10).json()
        calls: list[dict[str, Any]] = answer["calls"]
        return calls

    def messages(self, phone: str) -> list[dict[str, Any]]:
        """Return the messages on a recipient's phone."""
        state = requests.get(f"{self.sandbox}/sandbox/api/state", timeout=10).json()
        return [message for one in state["phones"] if one["phone"] == phone for message in one["messages"]]

    def desk(self) -> requests.Session:
        """Return a session that is logged in to the desk."""
        session = requests.Session()
        login = f"{self.portal}/admin/login/"
        session.get(login, timeout=10)
        form = {"username": "admin", "password": PASSWORD, "csrfmiddlewaretoken": session.cookies["csrftoken"]}
        response = session.post(login, data=form, timeout=10, allow_redirects=False)
        assert response.status_code == 302, response.text
        return session

    def waybill_page(self, no: str) -> str:
        """Return the waybill's page on the desk, found by its number."""
        session = self.desk()
        found = session.get(f"{self.portal}/admin/waybills/waybill/?q={no}", timeout=10).text
        pk = found.split("/admin/waybills/waybill/")
        number = next(part.split("/")[0] for part in pk if part.split("/")[0].isdigit())
        return session.get(f"{self.portal}/admin/waybills/waybill/{number}/change/", timeout=10).text


@contextmanager
def system(folder: Path, *, mode: str = "safe", data_format: str = "xml", callback: str = "") -> Iterator[System]:
    """Run the portal and the sandbox. callback: where the sandbox asks back, other than the portal's own address."""
    port, sandbox_port = free_port(), free_port()
    with _database(folder) as database:
        environment = _environment(folder, database, port, sandbox_port, mode)
        portal, far = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{sandbox_port}"
        _manage(environment, "migrate", "-v0")
        _manage(environment, "createsuperuser", "--noinput", "--username=admin", "--email=")
        token = _manage(environment, "service_account", "carrier").strip()
        address = callback or f"{portal}/wechat/callback/"
        sandbox = ["sandbox", f"--port={sandbox_port}", f"--callback-url={address}", f"--format={data_format}"]
        with _process(environment, *sandbox), _process(environment, "serve") as serving:
            running = System(portal, far, token, environment, serving)
            eventually(lambda: answers(f"{portal}/readyz") and answers(f"{far}/sandbox/api/state"))
            yield running


def _environment(folder: Path, database: str, port: int, sandbox_port: int, mode: str) -> dict[str, str]:
    broker = os.environ.get("CELERY_BROKER_URL") or f"filesystem://{folder / 'broker'}"
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("DJANGO", "PUSH", "COVERAGE"))},
        "PORTAL_ENV_FILE": "/dev/null",
        "DJANGO_SECRET_KEY": secrets.token_urlsafe(60),
        "DJANGO_ALLOWED_HOSTS": "127.0.0.1",
        "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
        "PORTAL_HTTPS": "0",
        "DATABASE_URL": database,
        "CELERY_BROKER_URL": broker,
        "PII_KEYS": b64encode(secrets.token_bytes(32)).decode(),
        "PII_INDEX_KEY": b64encode(secrets.token_bytes(32)).decode(),
        "WECHAT_APPID": "wxba5fad812f8e6fb9",
        "WECHAT_SECRET": "sandbox-secret",
        "WECHAT_USERNAME": "gh_97417a04a28d",
        "WECHAT_TOKEN": "AAAAA",
        "WECHAT_AES_KEYS": "A" * 43,
        "WECHAT_MESSAGE_MODE": mode,
        "WECHAT_API_BASE": f"http://127.0.0.1:{sandbox_port}",
        "BIND": "127.0.0.1",
        "PORT": str(port),
        "PROCESSES": "1",
    }


@contextmanager
def _database(folder: Path) -> Iterator[str]:
    """Yield the address of an empty database of the kind that the suite runs on."""
    suite = os.environ.get("DATABASE_URL", "")
    if not suite.startswith("postgres"):
        yield f"sqlite:///{folder / 'portal.sqlite3'}"
        return
    name = f"portal_e2e_{secrets.token_hex(4)}"
    parts = urlsplit(suite)
    admin = urlunsplit(parts._replace(path="/postgres"))
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[arg-type]
    try:
        yield urlunsplit(parts._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')  # type: ignore[arg-type]


def _manage(environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def _process(environment: dict[str, str], *arguments: str) -> "Iterator[subprocess.Popen[bytes]]":
    """Run a command of manage.py, and end it and nothing else."""
    command = [sys.executable, "manage.py", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        process.wait(60)
