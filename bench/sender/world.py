"""What the sender is measured on: waybills whose receivers are known to be bound, and an event of each that is due.

python -m bench.sender.world waybills|events [COUNT], on DATABASE_URL's database, through the portal's own ingest.
"""

import sys
import time
from collections.abc import Iterable
from typing import Any

from bench.world import ENVIRONMENT, WAYBILLS, receiver_phone, waybill_items, waybill_no

BATCH = 500
EVENT = (300002, "【李四/13800138000】正在派件，请保持电话畅通")
LONG_AGO = 100
"""Seconds."""


def environment(database: str, far_side: int = 0, **more: str) -> dict[str, str]:
    """Return the environment of a portal's process."""
    own = {"DATABASE_URL": database, "WECHAT_API_BASE": f"http://127.0.0.1:{far_side}"}
    return {name: value for name, value in ENVIRONMENT.items() if name != "PORTAL_ROLE"} | own | more


def event_items(numbers: Iterable[int], action_time: int) -> list[Any]:
    """Return a message of each waybill, as ingest takes it."""
    from waybills.documents import PathDocument
    from waybills.ingest import PathItem

    action_type, text = EVENT
    return [
        PathItem(waybill_no(number), action_time, action_type, PathDocument(text, "王五", "13900139000"))
        for number in numbers
    ]


def fill_waybills(count: int = WAYBILLS) -> None:
    """Make the tables; store waybills, and that their receivers are bound."""
    from django.core.management import call_command
    from django.utils import timezone

    from waybills.ingest import ingest
    from waybills.models import Binding
    from waybills.sealing import blind_index

    call_command("migrate", verbosity=0)
    for numbers in batches(count):
        ingest(waybill_items(numbers, int(time.time()) - LONG_AGO), [])
    now = timezone.now()
    Binding.objects.bulk_create(
        (Binding(blind_index(receiver_phone(number)), True, now) for number in range(count)), batch_size=BATCH
    )
    _settle_down()


def fill_events(count: int = WAYBILLS) -> None:
    """Store an event of each waybill: its push is due."""
    from waybills.ingest import ingest

    for numbers in batches(count):
        ingest([], event_items(numbers, int(time.time())))
    _settle_down()


def batches(count: int, size: int = BATCH) -> list[range]:
    return [range(first, min(first + size, count)) for first in range(0, count, size)]


def _settle_down() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


if __name__ == "__main__":
    import django

    django.setup()
    what, *count = sys.argv[1:]
    {"waybills": fill_waybills, "events": fill_events}[what](*map(int, count))
