"""The least valid items of a batch."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connection

from portal import environment as shape
from waybills import counters
from waybills.documents import Contact, PathDocument
from waybills.ingest import PathItem, WaybillItem

# SQLite has one writer: there is nothing to run at once.
collect_ignore = [] if connection.vendor == "postgresql" else ["test_on_postgresql.py"]

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
RECEIVER = Contact(name="李四", phone="13800138000", province="福建省", city="泉州市")


def waybill_item(no: str = "SF1", **fields: Any) -> WaybillItem:
    values = {"create_time": int(NOW.timestamp()) - 3600, "sender": Contact(name="张三"), "receiver": RECEIVER}
    return WaybillItem(no, **(values | fields))


def path_item(no: str = "SF1", minutes_ago: int = 0, action_type: int = 200001, text: str = "快件到达") -> PathItem:
    return PathItem(no, int(NOW.timestamp()) - 60 * minutes_ago, action_type, PathDocument(text))


@pytest.fixture
def use_cache(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return what puts another shared cache in place. Nothing is counted yet, and none has been found away."""
    monkeypatch.setattr(counters, "_ask_again_at", 0.0)
    caches[counters.OWN].clear()

    def use(url: str) -> None:
        settings.CACHES = {**settings.CACHES, "default": shape.cache(url)}

    return use


@pytest.fixture
def now() -> datetime:
    return NOW
