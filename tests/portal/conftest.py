"""Real processes of the portal, each with an environment of its own."""

import base64
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from portal.supervise import GRACE
from tests.live import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = GRACE + 10
"""Seconds: what a supervisor leaves its programs, which it alone can end, and some more."""


def key(letter: str) -> str:
    return base64.b64encode(letter.encode() * 32).decode()


@pytest.fixture
def database_url(tmp_path: Path, settings: Any) -> Iterator[str]:
    """Return the address of a database of its own, on the same server as the tests'; it is gone with the test."""
    database = settings.DATABASES["default"]
    if not database["ENGINE"].endswith("postgresql"):
        yield f"sqlite:///{tmp_path / 'portal.sqlite3'}"
        return
    server = f"postgres://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}"
    name = f"portal_{uuid.uuid4().hex}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield f"{server}/{name}"
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def production(tmp_path: Path, database_url: str) -> dict[str, str]:
    """Return the environment of a production that lacks nothing, with a database and a file broker of its own."""
    return {
        **{name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")},
        "PATH": os.environ["PATH"],
        "PYTHONUNBUFFERED": "1",
        "PORTAL_ENV_FILE": os.devnull,
        "DJANGO_SECRET_KEY": "Sk-" + "abcdefghij" * 5,
        "DJANGO_ALLOWED_HOSTS": "127.0.0.1",
        "PORTAL_HTTPS": "0",
        "PII_KEYS": key("k"),
        "PII_INDEX_KEY": key("i"),
        "DATABASE_URL": database_url,
        "CELERY_BROKER_URL": f"filesystem://{tmp_path / 'broker'}",
        "WECHAT_APPID": "wxba5fad812f8e6fb9",
        "WECHAT_SECRET": "secret",
        "WECHAT_USERNAME": "gh_97417a04a28d",
        "WECHAT_TOKEN": "AAAAA",
        "WECHAT_AES_KEYS": "A" * 43,
        "WECHAT_API_BASE": f"http://127.0.0.1:{free_port()}",
        "PORT": str(free_port()),
        "PROCESSES": "1",
    }


def run(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Return a command of this Python that has come to its end."""
    return subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


class Processes:
    """Starts commands of this Python, and stops whatever is left of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, environment: dict[str, str], *words: str) -> subprocess.Popen[bytes]:
        """Return a command in a session of its own; its output is a file."""
        with (self._folder / f"output-{len(self._started)}.txt").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, *words],
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._started.append(process)
        return process

    @property
    def count(self) -> int:
        """Return how many have been started."""
        return len(self._started)

    def output(self, number: int = 0) -> str:
        """Return what a command has said so far."""
        return (self._folder / f"output-{number}.txt").read_text()

    def stop_all(self) -> None:
        """Stop what still runs, the hard way at last."""
        for process in self._started:
            if process.poll() is None:
                process.terminate()
        for process in self._started:
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    """Return what starts real processes; they are stopped with the test."""
    started = Processes(tmp_path)
    yield started
    started.stop_all()
