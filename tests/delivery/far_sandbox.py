"""WeChat's sandbox as a process, and where it is asked what it got."""

from typing import Any

import requests

from tests.delivery.processes import Processes, Started
from tests.live import answers, eventually, free_port


class Sandbox:
    """The far side of the portal that listens on `portal_port`: everybody is bound, and each push is asked back."""

    def __init__(self, portal_port: int) -> None:
        self._portal = f"http://127.0.0.1:{portal_port}"
        self._port = free_port()
        self.base = f"http://127.0.0.1:{self._port}"

    def start(self, processes: Processes, variables: dict[str, str], latency_ms: int = 0) -> Started:
        """Start it and wait for it."""
        callback = f"--callback-url={self._portal}/wechat/callback/"
        words = ("--bind=all", "--ledger=1000000", f"--latency-ms={latency_ms}", callback)
        started = processes.manage(variables, "sandbox", f"--port={self._port}", *words)
        eventually(lambda: answers(f"{self.base}/sandbox/api/state"), "the sandbox answers")
        return started

    def ledger(self) -> list[dict[str, Any]]:
        """Return all calls that it got."""
        answer = requests.get(f"{self.base}/sandbox/api/ledger?limit=1000000", timeout=60)
        calls: list[dict[str, Any]] = answer.json()["calls"]
        return calls
