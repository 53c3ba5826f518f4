"""Serves the portal: `make run`, `make web` and `make worker`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from portal.processes import WEB, WORKER, portal_programs, prepare
from portal.supervise import Supervisor


class Command(BaseCommand):
    """`serve`: web and workers; `serve web`, `serve worker`: one half of it."""

    help = "Check, migrate, then run the web server and the workers until SIGTERM or Ctrl-C."
    # `prepare` runs them, with those of a deployment, and words what they find.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the half."""
        parser.add_argument("half", nargs="?", choices=("all", WEB, WORKER), default="all")

    def handle(self, *args: Any, half: str, **options: Any) -> None:
        """Serve."""
        prepare(half)
        Supervisor(portal_programs(half)).run()
