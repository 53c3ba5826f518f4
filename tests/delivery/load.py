"""Waybills by the number, each of a receiver of its own."""

from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone

from waybills.documents import Contact, PathDocument
from waybills.ingest import PathItem, WaybillItem, ingest
from waybills.models import Binding
from waybills.sealing import blind_index


def number(index: int) -> str:
    return f"SF{index:06d}"


def phone(index: int) -> str:
    return f"138{index:08d}"


def post(indexes: Sequence[int], *types: int, now: datetime | None = None, seconds_ago: int = 100) -> None:
    """Post these waybills with events of these types (300002), a second apart."""
    moment = now or timezone.now()
    began = int(moment.timestamp()) - seconds_ago
    waybills = [
        WaybillItem(number(index), began - 60, Contact(name="张三"), Contact(name="李四", phone=phone(index)))
        for index in indexes
    ]
    paths = [
        PathItem(number(index), began + step, type_, PathDocument(f"第 {step} 步"))
        for index in indexes
        for step, type_ in enumerate(types or (300002,))
    ]
    for start in range(0, len(waybills), 200):
        chunk = {item.no for item in waybills[start : start + 200]}
        ingest(waybills[start : start + 200], [path for path in paths if path.no in chunk], now=moment)


def know_bindings(indexes: Sequence[int]) -> None:
    """Let the portal know that these receivers are bound."""
    Binding.objects.bulk_create(
        (Binding(phone_index=blind_index(phone(index)), exist=True, checked_at=timezone.now()) for index in indexes),
        batch_size=500,
    )
