"""Whatever repeats, orders, batches and senders: the same rows."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.waybills.conftest import NOW, RECEIVER, path_item, waybill_item
from waybills.documents import unseal_path, unseal_waybill
from waybills.ingest import PathItem, WaybillItem, ingest
from waybills.models import Lane, Path, Push, Waybill

pytestmark = pytest.mark.django_db

NOS = ("SF1", "SF2", "SF3")
LANDLINE = replace(RECEIVER, phone="057188886666")
EVENTS = [
    path_item(no, minutes_ago, action_type, text)
    for no in NOS
    for minutes_ago, action_type, text in [
        (30 * 60, 100001, "已取件"),
        (9, 200001, "快件到达"),
        (9, 200001, "快件离开"),
        (3, 300002, "正在派件"),
    ]
]
WAYBILLS = [waybill_item("SF1"), waybill_item("SF2", receiver=LANDLINE)]
"""Of SF3 only events come."""


@dataclass(frozen=True)
class Batch:
    """What one sender posts at once."""

    waybills: list[WaybillItem]
    paths: list[PathItem]


def batches() -> st.SearchStrategy[list[Batch]]:
    """Return any split of all items, in any order, with any repeats, over any number of requests."""
    everything: list[WaybillItem | PathItem] = [*WAYBILLS, *EVENTS]
    repeats = st.lists(st.sampled_from(everything), max_size=12)
    shuffled = repeats.flatmap(lambda more: st.permutations(everything + more))
    return st.tuples(shuffled, st.lists(st.integers(1, 7), min_size=1, max_size=6)).map(_split)


def _split(drawn: tuple[list[WaybillItem | PathItem], list[int]]) -> list[Batch]:
    items, sizes = drawn
    result = []
    while items:
        size = sizes[len(result) % len(sizes)]
        head, items = items[:size], items[size:]
        result.append(
            Batch(
                [item for item in head if isinstance(item, WaybillItem)],
                [item for item in head if isinstance(item, PathItem)],
            )
        )
    return result


def stored() -> dict[str, Any]:
    """Return what is stored, opened, without what only tells when it came."""
    return {
        "waybills": {
            one.no: one.sealed and unseal_waybill(one.no, bytes(one.sealed), ("", ""), (one.receiver_province, ""))
            for one in Waybill.objects.all()
        },
        "paths": sorted(
            (
                one.waybill.no,
                one.action_time,
                one.action_type,
                unseal_path(bytes(one.digest), bytes(one.sealed)).action_msg,
            )
            for one in Path.objects.select_related("waybill")
        ),
        "pushes": sorted(
            (one.waybill.no, one.action_time, one.action_type, bytes(one.path.digest), one.state, one.reason)
            for one in Push.objects.select_related("waybill", "path")
        ),
        "awake": sorted(Lane.objects.filter(wake_at__isnull=False).values_list("waybill__no", flat=True)),
    }


class _Undone(Exception):
    """Takes an example back."""


def rows_of(posted: list[Batch]) -> dict[str, Any]:
    """Return what these batches leave in an empty database."""
    rows: dict[str, Any] = {}
    try:
        with transaction.atomic():
            for turn, batch in enumerate(posted):
                ingest(batch.waybills, batch.paths, now=NOW + timedelta(seconds=turn))
            rows = stored()
            raise _Undone
    except _Undone:
        return rows


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(posted=batches())
def test_any_interleaving_of_repeats_orders_and_senders_gives_the_same_rows(now: datetime, posted: list[Batch]) -> None:
    rows = rows_of(posted)

    assert rows == rows_of([Batch(WAYBILLS, EVENTS)])
    assert len(rows["pushes"]) == len(EVENTS)
    assert rows["awake"] == ["SF1"]
