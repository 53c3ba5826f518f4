"""What only PostgreSQL has: senders that run at once, deadlocks, and the plans of the queue's statements."""

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from tests.waybills.conftest import path_item, waybill_item
from waybills import lanes_sql
from waybills.ingest import Report, ingest
from waybills.models import Lane, Path, Push, Waybill

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*jobs: Callable[[], None]) -> None:
    """Run jobs in threads with connections of their own; raise what one of them raised."""
    errors: list[BaseException] = []

    def run(job: Callable[[], None]) -> None:
        try:
            job()
        except BaseException as error:  # noqa: BLE001 - raised again below
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[job]) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_eight_senders_of_the_same_events_store_each_once(now: datetime) -> None:
    waybills = [waybill_item(f"SF{n}") for n in range(50)]
    paths = [path_item(f"SF{n}", minutes_ago=m) for n in range(60) for m in range(4)]
    reports: list[Report] = []

    def send(turn: int) -> None:
        ordered = paths if turn % 2 else paths[::-1]
        reports.append(ingest(waybills[turn:] + waybills[:turn], ordered, now=now))

    at_once(*(lambda turn=turn: send(turn) for turn in range(8)))  # type: ignore[misc]

    assert sum(report.paths_created + report.paths_waiting for report in reports) == 240
    assert sum(report.waybills_created for report in reports) >= 50
    assert (Path.objects.count(), Push.objects.count(), Waybill.objects.count()) == (240, 240, 60)
    assert Lane.objects.filter(wake_at__isnull=False).count() == 50


def test_a_waybill_and_its_path_sent_at_the_same_moment_find_each_other(now: datetime) -> None:
    for number in range(30):
        no = f"SF{number}"
        at_once(
            lambda no=no: ingest([waybill_item(no)], [], now=now) and None,  # type: ignore[misc]
            lambda no=no: ingest([], [path_item(no)], now=now) and None,  # type: ignore[misc]
        )

    assert Lane.objects.filter(wake_at__isnull=False).count() == 30


def test_a_batch_that_deadlocks_is_repeated_whole(now: datetime) -> None:
    ingest([waybill_item("SF1"), waybill_item("SF2")], [], now=now)
    holds_second = threading.Event()

    def hold_second_then_want_first() -> None:
        with transaction.atomic():
            Waybill.objects.select_for_update().get(no="SF2")
            holds_second.set()
            time.sleep(0.5)
            Waybill.objects.select_for_update().get(no="SF1")

    def change_both() -> None:
        holds_second.wait()
        later = [waybill_item("SF1", create_time=1_790_000_000), waybill_item("SF2", create_time=1_790_000_000)]
        ingest(later, [path_item("SF1"), path_item("SF2")], now=now)

    at_once(hold_second_then_want_first, change_both)

    assert set(Waybill.objects.values_list("create_time", flat=True)) == {1_790_000_000}
    assert Push.objects.count() == 2


def _plan(statement: str, parameters: dict[str, Any]) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN " + statement, parameters)
        return "\n".join(row[0] for row in cursor.fetchall())


@pytest.mark.parametrize("is_urgent", [True, False])
def test_due_lanes_are_found_by_the_index_of_their_wake_up(now: datetime, is_urgent: bool) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO waybills_lane (waybill_id, wake_at, leased, fence, is_urgent, sent_through)
               SELECT n, %s + n * interval '1 second', false, 0, n %% 3 = 0, 0 FROM generate_series(-20000, 20000) n""",
            [now],
        )
        cursor.execute("ANALYZE waybills_lane")
        plan = _plan(lanes_sql.CLAIM, {"now": now, "until": now, "limit": 200, "is_urgent": is_urgent})

    assert "lane_wake" in plan
    assert "Sort" not in plan.partition("LockRows")[2]


def test_heads_are_found_by_the_index_of_pending_pushes(now: datetime) -> None:
    with transaction.atomic():
        plan = _plan(lanes_sql.heads(True), {"ids": [1, 2], "waited_since": now})

    assert plan.count("push_pending") >= 2
    assert "Sort Key: p" not in plan


def test_what_is_past_its_deadline_is_found_by_the_index_of_deadlines(now: datetime) -> None:
    with transaction.atomic():
        plan = _plan(lanes_sql.PAST_DEADLINE[True], {"now": now, "limit": 1000})

    assert "push_deadline" in plan


@pytest.mark.parametrize("statement", [lanes_sql.WAKE[True], lanes_sql.heads(True)], ids=["wake", "heads"])
def test_a_queue_is_found_by_its_own_index_where_nothing_was_pending_at_the_last_analysis(
    statement: str, now: datetime
) -> None:
    ingest([waybill_item("SF1")], [path_item("SF1", seconds) for seconds in range(200)], now=now)
    Push.objects.update(state="sent", settled_at=now, not_before=None)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE waybills_push")

    with transaction.atomic():
        plan = _plan(statement, {"ids": [1, 2], "waited_since": now, "order_wait": timedelta(seconds=60)})

    assert "push_pending" in plan
    assert "push_deadline" not in plan
