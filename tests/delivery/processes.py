"""Processes on the suite's own database, and how a test waits for them."""

import json
import os
import signal
import subprocess
import sys
from base64 import b64encode
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from portal.supervise import GRACE
from tests.live import eventually

ROOT = Path(__file__).resolve().parents[2]
IS_FULL = os.environ.get("CHAOS") == "full"
"""`make chaos`: the sizes that CI has no time for."""


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a process that works on this test's database, with this test's keys."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONUNBUFFERED": "1",
        "PORTAL_ENV_FILE": os.devnull,
        "DJANGO_SECRET_KEY": "Sk-" + "abcdefghij" * 5,
        "DJANGO_ALLOWED_HOSTS": "127.0.0.1",
        "PORTAL_HTTPS": "0",
        "DATABASE_URL": _database_url(),
        "PII_KEYS": ",".join(b64encode(key).decode() for key in settings.SEAL.keys),
        "PII_INDEX_KEY": b64encode(settings.SEAL.index_key).decode(),
        "WECHAT_APPID": "wxba5fad812f8e6fb9",
        "WECHAT_SECRET": "sandbox-secret",
        "WECHAT_USERNAME": "gh_97417a04a28d",
        "WECHAT_TOKEN": "AAAAA",
        "WECHAT_AES_KEYS": "A" * 43,
        **more,
    }


def _database_url() -> str:
    values = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{values['NAME']}"
    return f"postgres://{values['USER']}:{values['PASSWORD']}@{values['HOST']}:{values['PORT']}/{values['NAME']}"


class Started:
    """A process and what it has said."""

    def __init__(self, output: Path, environment: dict[str, str], *words: str) -> None:
        self._output = output
        with output.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, *words], cwd=ROOT, env=environment, stdout=file, stderr=file, start_new_session=True
            )

    @property
    def output(self) -> str:
        return self._output.read_text()

    def said(self) -> list[dict[str, Any]]:
        """Return the JSON lines among its output."""
        lines = self.output.splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}\n")]

    def pids(self) -> dict[int, int]:
        """Return the pid of each process of a nursery, by its index."""
        return {line["index"]: line["pid"] for line in self.said() if line["event"] == "began"}

    def codes(self) -> dict[int, int]:
        """Return the exit status of each process of a nursery that has ended, by its index."""
        return {line["index"]: line["code"] for line in self.said() if line["event"] == "ended"}

    def stop(self) -> None:
        """End it and all that it started or forked."""
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            # A supervisor's programs are in sessions of their own: it alone can end them.
            self.process.wait(GRACE + 10)
        with suppress(ProcessLookupError):
            # Of the session that was made for it alone: what it forked outlives it.
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Processes:
    """Starts processes; what is left of them ends with the test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[Started] = []

    def start(self, environment: dict[str, str], *words: str) -> Started:
        """Return a command of this Python."""
        started = Started(self._folder / f"output-{len(self._started)}.txt", environment, *words)
        self._started.append(started)
        return started

    def manage(self, environment: dict[str, str], *words: str) -> Started:
        """Return a command of manage.py."""
        return self.start(environment, "manage.py", *words)

    def fork(self, target: str, count: int, environment: dict[str, str], **options: Any) -> Started:
        """Return a nursery in which so many processes run `target` ("module:function")."""
        nursery = self.start(environment, "-m", "tests.delivery.nursery", target, str(count), json.dumps(options))
        eventually(lambda: len(nursery.pids()) == count or nursery.process.poll() is not None, "the processes begin")
        assert len(nursery.pids()) == count, nursery.output
        return nursery

    def stop_all(self) -> None:
        """End what still runs, all at once."""
        for started in self._started:
            started.process.terminate()
        for started in self._started:
            started.stop()


def children(pid: int) -> list[int]:
    """Return the processes that this one has started."""
    try:
        return [int(word) for file in Path(f"/proc/{pid}/task").glob("*/children") for word in file.read_text().split()]
    except OSError:
        # A thread, or the process itself, has just ended.
        return []
