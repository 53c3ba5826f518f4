"""Runs the whole main job on one machine: the portal, WeChat's sandbox, and a carrier that posts events."""

import sys
import threading
import time
from pathlib import Path
from typing import Any

import requests
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.demo import samples
from portal.demo.environment import HOST
from portal.demo.lock import DemoRuns, only_demo
from portal.demo.places import bound_phones
from portal.processes import is_web_listening, portal_programs, prepare, require_free_port
from portal.supervise import Program, Supervisor

_CUSTOMERS = 100


class Command(BaseCommand):
    """`demo`: until Ctrl-C."""

    help = "Run the portal with demo data, the sandbox and a feed of events. Start it by `make demo`."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the file of the carrier's token."""
        parser.add_argument("--token-file", type=Path, default=settings.VAR_DIR / "demo.token")

    def handle(self, *args: Any, token_file: Path, **options: Any) -> None:
        """Run it."""
        _require_two_ports()
        lock = token_file.with_suffix(".lock")
        try:
            with only_demo(lock, f"http://{HOST}:{settings.SERVER.port}/"):
                self._run(token_file)
        except DemoRuns as other:
            raise CommandError(
                f"Another demo runs in this folder ({other.who}). Stop it with Ctrl-C where it was started, or start"
                f" this one in a checkout of its own. {lock} is its lock."
            ) from None

    def _run(self, token_file: Path) -> None:
        require_free_port("SANDBOX_PORT", HOST, settings.SANDBOX_PORT)
        prepare("all")
        call_command("demo_data", token_file=token_file)
        threading.Thread(target=self._announce, args=[token_file], daemon=True).start()
        Supervisor([_sandbox(), *portal_programs("all"), _feed(token_file)]).run()

    def _announce(self, token_file: Path) -> None:
        """Print the addresses when everything answers."""
        portal = f"http://{HOST}:{settings.SERVER.port}"
        for address in (f"{portal}/readyz", f"{portal}/admin/login/", settings.SANDBOX_URL):
            _wait_for(address)
        lines = {
            "admin": f"{portal}/admin/",
            "": f"user admin, password {settings.DEMO_PASSWORD}",
            "sandbox": f"{settings.SANDBOX_URL} (WeChat's side: phones, messages, faults)",
            "API": f"{portal}/api/docs/ (a token: {token_file})",
            "stop": "Ctrl-C",
        }
        self.stdout.write("\n" + "\n".join(f"  {name:8} {line}" for name, line in lines.items()) + "\n")
        self.stdout.flush()


def _require_two_ports() -> None:
    port = settings.SERVER.port
    if port == settings.SANDBOX_PORT:
        raise CommandError(
            f"PORT and SANDBOX_PORT are both {port}: the portal and the sandbox need one each. Leave"
            f" SANDBOX_PORT out, or name another, for example SANDBOX_PORT={port + 1}."
        )


def _wait_for(address: str) -> None:
    while True:
        try:
            if requests.get(address, timeout=5).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(0.3)


def _manage(*words: str) -> list[str]:
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), *words]


def _sandbox() -> Program:
    portal = f"http://{HOST}:{settings.SERVER.port}"
    command = _manage(
        "sandbox",
        f"--port={settings.SANDBOX_PORT}",
        f"--callback-url={portal}/wechat/callback/",
        f"--landing-url={portal}/waybills/info/",
        f"--bind={','.join([samples.PATHNOTIFY_PHONE, *bound_phones(_CUSTOMERS)])}",
    )
    return Program("sandbox", command, is_server=True)


def _feed(token_file: Path) -> Program:
    return Program("feed", _manage("demo_feed", f"--token-file={token_file}"), may_start=is_web_listening)
