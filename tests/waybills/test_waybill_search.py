"""Waybills by phone: whole, of both sides, newest first, and by the index that was made for it."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import make_waybill
from waybills.documents import Contact
from waybills.models import Waybill

PHONE = "13700137000"
pytestmark = pytest.mark.django_db


def test_a_phone_finds_what_it_sends_and_what_it_receives() -> None:
    received = make_waybill(receiver=Contact("李四", PHONE))
    sent = make_waybill(sender=Contact("张三", PHONE))
    make_waybill()

    assert {waybill.pk for waybill in Waybill.objects.of_phone(PHONE)} == {received.pk, sent.pk}


def test_of_a_busy_phone_the_newest_are_found() -> None:
    rows = [make_waybill(sender=Contact("张三", PHONE)) for _ in range(3)]

    found = [waybill.pk for waybill in Waybill.objects.of_phone(PHONE, most=2)]

    assert found == [rows[2].pk, rows[1].pk]


def test_each_side_is_read_from_its_index_without_sorting() -> None:
    with CaptureQueriesContext(connection) as queries:
        list(Waybill.objects.of_phone(PHONE))

    plans = [plan_of(query["sql"]) for query in queries if "phone_index" in query["sql"].split("WHERE")[-1]]

    assert "waybill_receiver_phone" in plans[0]
    assert "waybill_sender_phone" in plans[1]
    assert not [plan for plan in plans if "SORT" in plan.upper() or "TEMP B-TREE" in plan.upper()]


def plan_of(sql: str) -> Any:
    """Return the plan; a small table is no reason to scan it."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
        prefix = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
        cursor.execute(f"{prefix} {sql}")
        return "\n".join(str(row) for row in cursor.fetchall())
