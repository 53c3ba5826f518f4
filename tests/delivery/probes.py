"""Asks every kind of address of the portal again and again, and notes when it answered and when not."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Self

import requests

from tests.delivery.load import number, phone
from wechat.sandbox.config import SandboxConfig
from wechat.sandbox.validation import Node, PathNotify
from wechat.sandbox.wire import back_query, read_reply

_REST = 0.2
"""Seconds between two questions: fewer than the landing page's limit of a client."""
_PATIENCE = 10
_WAYBILL = 0
"""The probed waybill's index: it was pushed before, so that no question about it can be taken for WeChat's proof."""


@dataclass(frozen=True)
class Answered:
    """One question. at: Unix seconds, of its end. what: its answer in a word."""

    at: float
    is_good: bool
    what: str


class Probes:
    """One thread for each address, from entry to exit; `seen` is what they noted."""

    def __init__(self, portal: str, token: str) -> None:
        self._portal, self._token = portal, token
        ask: dict[str, Callable[[], str]] = {
            "healthz": partial(self._get, "/healthz"),
            "readyz": partial(self._get, "/readyz"),
            "callback": self._ask_back,
            "jsonp": self._ask_landing_page,
            "rest": partial(self._get, f"/api/v1/waybills/{number(_WAYBILL)}/"),
        }
        self.seen: dict[str, list[Answered]] = {name: [] for name in ask}
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._probe, args=item) for item in ask.items()]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _probe(self, name: str, ask: Callable[[], str]) -> None:
        while not self._is_over.wait(_REST):
            try:
                what = ask()
            except Exception as error:  # noqa: BLE001 - noted, and judged by the test
                what = type(error).__name__
            self.seen[name].append(Answered(time.time(), what == "good", what))

    def _get(self, path: str) -> str:
        headers = {"Authorization": f"Token {self._token}"}
        status = requests.get(self._portal + path, headers=headers, timeout=_PATIENCE).status_code
        return "good" if status == 200 else str(status)

    def _ask_landing_page(self) -> str:
        address = f"{self._portal}/waybills/info/?waybill_id={number(_WAYBILL)}"
        code = requests.get(address, timeout=_PATIENCE).json()["ResultCode"]
        return "good" if code == 0 else str(code)

    def _ask_back(self) -> str:
        config = SandboxConfig(
            appid="wxba5fad812f8e6fb9",
            secret="",
            username="gh_97417a04a28d",
            token="AAAAA",
            aes_key=bytes(32),
            mode="safe",
            format="json",
            callback_url=f"{self._portal}/wechat/callback/",
            landing_url="",
        )
        now = int(time.time())
        push = PathNotify(number(_WAYBILL), now, "", phone(_WAYBILL), Node(now, 300002, ""))
        posted = back_query(config, push, now)
        headers = {"Content-Type": posted.content_type}
        answer = requests.post(
            config.callback_url, params=posted.params, data=posted.body, headers=headers, timeout=_PATIENCE
        )
        if answer.status_code != 200:
            return str(answer.status_code)
        code = read_reply(config, posted, answer.content)["ResultCode"]
        return "good" if code == 0 else str(code)
