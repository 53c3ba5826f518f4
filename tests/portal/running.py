"""A portal that runs as processes, as its carrier sees it."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests

from tests.live import answers, eventually
from tests.portal.conftest import Processes, run

_LATENCY = """
from waybills.models import PushAttempt
first = PushAttempt.objects.filter(push__waybill__no={no!r}).earliest("started_at")
print((first.started_at - first.push.created_at).total_seconds())
"""


@dataclass
class Running:
    """A portal that runs, and how to reach it."""

    environment: dict[str, str]
    supervisor: subprocess.Popen[bytes]
    session: requests.Session

    def __post_init__(self) -> None:
        self.session.trust_env = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.environment['PORT']}"

    def is_ready(self) -> bool:
        return answers(f"{self.url}/readyz")

    def post(self, no: str, action_type: int = 300002) -> None:
        now = int(time.time())
        body = {
            "waybill_id": no,
            "create_time": now,
            "receiver": {"name": "李四", "phone": "13800138000"},
            "paths": [{"action_time": now, "action_type": action_type, "action_msg": "派送中"}],
        }
        answer = self.session.post(f"{self.url}/api/v1/waybills/", json=body, timeout=20)
        assert answer.json()["paths"]["created"] == 1, answer.text

    def pushes(self, no: str) -> list[dict[str, Any]]:
        pushes: list[dict[str, Any]] = self.session.get(f"{self.url}/api/v1/waybills/{no}/", timeout=20).json()[
            "pushes"
        ]
        return pushes

    def latency(self, no: str) -> float:
        """Return how many seconds after its event was stored the first call of a waybill began."""
        return float(run(self.environment, "manage.py", "shell", "-v0", "-c", _LATENCY.format(no=no)).stdout)


@contextmanager
def served(environment: dict[str, str], processes: Processes, *half: str) -> Iterator[Running]:
    """Run a portal, or one half of it, by `serve`, with the sandbox as its far side and an account's token."""
    supervisor = processes.start(environment, "manage.py", "serve", *half)
    start_sandbox(processes, environment)
    with requests.Session() as session:
        portal = Running(environment, supervisor, session)
        eventually(portal.is_ready)
        account(portal)
        yield portal


def start_sandbox(processes: Processes, environment: dict[str, str]) -> None:
    processes.start(
        environment,
        "manage.py",
        "sandbox",
        f"--port={environment['WECHAT_API_BASE'].rpartition(':')[2]}",
        f"--callback-url=http://127.0.0.1:{environment['PORT']}/wechat/callback/",
        "--bind=all",
    )


def account(running: Running) -> None:
    """Give the session a carrier's token."""
    token = run(running.environment, "manage.py", "service_account", "carrier").stdout.strip()
    running.session.headers["Authorization"] = f"Token {token}"
