"""Posts the demo's events over REST, as the carrier's own system would: `make demo` runs it."""

import logging
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

import requests
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from portal.demo.feed import WAYBILLS, Feed
from portal.demo.shipments import Shipment, plan

logger = logging.getLogger(__name__)

_PATIENCE = 10
"""Seconds for one answer."""


class Command(BaseCommand):
    """`demo_feed`: until SIGTERM or Ctrl-C; while the portal is away, the same event again."""

    help = "Post new events to a running portal every few seconds."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the portal's address, the token's file and the pace."""
        parser.add_argument("--url", default=f"http://127.0.0.1:{settings.SERVER.port}")
        parser.add_argument("--token-file", type=Path, default=settings.VAR_DIR / "demo.token")
        parser.add_argument("--every", type=float, default=3.0, help="seconds between two events")

    def handle(self, *args: Any, url: str, token_file: Path, every: float, **options: Any) -> None:
        """Post."""
        signal.signal(signal.SIGTERM, _leave)
        portal = _Portal(url, token_file.read_text().strip())
        feed = Feed(_unfinished(portal, every), Random())  # noqa: S311 - lifelike, not secret
        while True:
            time.sleep(every)
            if portal.post(*feed.next_event(int(time.time()))):
                feed.delivered()


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(0)


def _unfinished(portal: "_Portal", every: float) -> list[Shipment]:
    """Return the demo's shipments that have steps before them, each where the portal says it is."""
    found = []
    for shipment in plan():
        while (paths := portal.count_paths(shipment.no)) is None:
            time.sleep(every)
        if 0 < paths < len(shipment.steps):
            found.append(replace(shipment, done=paths))
    return found


class _Portal:
    """A running portal, seen from the carrier's side."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Token {token}"

    def post(self, address: str, body: dict[str, Any]) -> bool:
        """Return whether the portal took it."""
        try:
            answer = self._session.post(self._url + address, json=body, timeout=_PATIENCE)
        except requests.RequestException as error:
            logger.info("the portal did not answer: %s", type(error).__name__)
            return False
        if not answer.ok:
            logger.warning("the portal answered %d: %s", answer.status_code, answer.text[:200])
        return answer.ok

    def count_paths(self, no: str) -> int | None:
        """Return how many events a waybill has, 0 for one that the portal does not know; None: no answer."""
        try:
            answer = self._session.get(f"{self._url}{WAYBILLS}{no}/", timeout=_PATIENCE)
            if answer.status_code == requests.codes.not_found:
                return 0
            answer.raise_for_status()
        except requests.RequestException as error:
            logger.info("the portal did not answer: %s", type(error).__name__)
            return None
        return len(answer.json()["paths"])
