"""Puts the demo's data into the database: `make demo` calls it."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from portal.demo.data import put_admin, put_cells, put_service_account, put_waybills
from portal.demo.shipments import SEED


class Command(BaseCommand):
    """`demo_data`: waybills in every stage, cells, the user `admin` and the carrier's account."""

    help = "Put the demo's data into the database; what is there already stays."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the seed and the token's file."""
        parser.add_argument("--seed", type=int, default=SEED)
        parser.add_argument("--token-file", type=Path, default=settings.VAR_DIR / "demo.token")

    def handle(self, *args: Any, seed: int, token_file: Path, **options: Any) -> None:
        """Put it."""
        if not settings.DEMO_PASSWORD:
            raise CommandError("DEMO_PASSWORD is not set: it becomes the password of the user admin.")
        put_cells(put_admin(settings.DEMO_PASSWORD))
        put_service_account(token_file)
        self.stdout.write(f"{put_waybills(timezone.now(), seed)} demo waybills added")
