"""What only PostgreSQL has: senders that run at once, deadlocks, and the plans of the queue's statements."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

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


@contextmanager
def deadlocks(times: int) -> Iterator[None]:
    """Let so many writes of a waybill end as a deadlock's victim."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE SEQUENCE victims")
        cursor.execute(
            f"""CREATE FUNCTION fall_victim() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF nextval('victims') <= {times} THEN RAISE 'deadlock detected' USING ERRCODE = '40P01'; END IF;
                RETURN NEW; END $$"""
        )
        cursor.execute(
            "CREATE TRIGGER victim BEFORE INSERT ON waybills_waybill FOR EACH ROW EXECUTE FUNCTION fall_victim()"
        )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION fall_victim CASCADE")
            cursor.execute("DROP SEQUENCE victims")


def test_a_batch_is_tried_three_times_where_it_deadlocks_again(now: datetime) -> None:
    with deadlocks(2):
        report = ingest([waybill_item("SF1")], [path_item("SF1")], now=now)

    assert (report.waybills_created, report.paths_created) == (1, 1)
    assert Push.objects.count() == 1


def test_a_batch_that_deadlocks_for_ever_is_given_up_whole(now: datetime) -> None:
    with deadlocks(3), pytest.raises(OperationalError, match="deadlock"):
        ingest([waybill_item("SF1")], [path_item("SF1")], now=now)

    assert not Waybill.objects.exists()
    assert not Path.objects.exists()


def test_what_another_sender_is_just_writing_is_waited_for_and_found(now: datetime) -> None:
    is_written = threading.Event()
    reports: list[Report] = []

    def hold_back_the_commit() -> None:
        with transaction.atomic():
            ingest([waybill_item("SF1")], [path_item("SF2")], now=now)
            is_written.set()
            time.sleep(0.5)

    def post_the_same() -> None:
        is_written.wait()
        reports.append(ingest([waybill_item("SF1")], [path_item("SF1"), path_item("SF2", text="再次到达")], now=now))

    at_once(hold_back_the_commit, post_the_same)

    assert reports == [Report(waybills_unchanged=1, paths_created=1, paths_waiting=1)]
    assert Waybill.objects.count() == 2
    assert Push.objects.count() == 3


def test_an_error_that_is_no_deadlock_is_raised_at_once_and_nothing_is_stored(now: datetime) -> None:
    ingest([waybill_item("SF1")], [], now=now)
    is_held, is_over = threading.Event(), threading.Event()
    waited: list[float] = []

    def hold() -> None:
        with transaction.atomic():
            Waybill.objects.select_for_update().get(no="SF1")
            is_held.set()
            is_over.wait(10)

    def change() -> None:
        is_held.wait()
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '1s'")
        began = time.monotonic()
        try:
            with pytest.raises(OperationalError, match="lock timeout"):
                ingest([waybill_item("SF0"), waybill_item("SF1", create_time=1_790_000_000)], [], now=now)
        finally:
            waited.append(time.monotonic() - began)
            is_over.set()

    at_once(hold, change)

    assert waited[0] < 1.9
    assert list(Waybill.objects.values_list("no", flat=True)) == ["SF1"]


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
