"""What only PostgreSQL has: senders that run at once, deadlocks, and the plans of the queue's statements."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from tests.delivery.processes import IS_FULL
from tests.factories import settle
from tests.waybills.conftest import path_item, waybill_item
from waybills import arrays, lanes, lanes_sql, settlement
from waybills.api.feed import AS_SETTLED
from waybills.database import fetch
from waybills.ingest import PathItem, Report, WaybillItem, ingest
from waybills.models import Feed, Lane, Path, Push, Waybill

pytestmark = pytest.mark.django_db(transaction=True)

_ADDRESS = {"host", "port", "user", "password", "dbname"}


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


@pytest.mark.chaos
def test_eight_senders_of_the_same_events_store_each_once_and_never_deadlock(now: datetime) -> None:
    count = 2_000 if IS_FULL else 200
    waybills = [waybill_item(f"SF{n}") for n in range(count)]
    paths = [path_item(f"SF{n}", minutes_ago=m) for n in range(count + 100) for m in range(5)]
    reports: list[Report] = []

    def send(turn: int) -> None:
        """Send the same in batches of a thousand, in an order of one's own."""
        own = Random(turn)
        items: list[Any] = own.sample([*waybills, *paths], len(waybills) + len(paths))
        for start in range(0, len(items), 1000):
            batch = items[start : start + 1000]
            reports.append(
                ingest(
                    [item for item in batch if isinstance(item, WaybillItem)],
                    [item for item in batch if isinstance(item, PathItem)],
                    now=now,
                )
            )

    before = _deadlocks()
    at_once(*(lambda turn=turn: send(turn) for turn in range(8)))  # type: ignore[misc]

    assert sum(report.paths_created + report.paths_waiting for report in reports) == len(paths)
    assert sum(report.waybills_created for report in reports) >= count
    assert (Path.objects.count(), Push.objects.count(), Waybill.objects.count()) == (
        len(paths),
        len(paths),
        count + 100,
    )
    assert Lane.objects.filter(wake_at__isnull=False).count() == count
    assert _deadlocks() == before


def _deadlocks() -> int:
    """Return how many deadlocks this database has seen: a batch that meets one is repeated, and would hide it."""
    time.sleep(1.1)  # a backend reports at most once a second
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        (count,) = cursor.fetchone()
    return int(count)


def test_a_waybill_and_its_path_sent_at_the_same_moment_find_each_other(now: datetime) -> None:
    for number in range(30):
        no = f"SF{number}"
        at_once(
            lambda no=no: ingest([waybill_item(no)], [], now=now) and None,  # type: ignore[misc]
            lambda no=no: ingest([], [path_item(no)], now=now) and None,  # type: ignore[misc]
        )

    assert Lane.objects.filter(wake_at__isnull=False).count() == 30


def test_a_lane_is_locked_and_not_rewritten(now: datetime) -> None:
    ingest([waybill_item()], [path_item()], now=now)
    (waybill_id,) = Lane.objects.values_list("pk", flat=True)
    before = _version(waybill_id)

    with transaction.atomic():
        lanes.lock([waybill_id])
        with pytest.raises(psycopg.errors.LockNotAvailable), psycopg.connect(**_own_address()) as other:
            other.execute("SELECT 1 FROM waybills_lane WHERE waybill_id = %s FOR NO KEY UPDATE NOWAIT", [waybill_id])

    assert _version(waybill_id) == before


def _version(waybill_id: int) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT ctid::text FROM waybills_lane WHERE waybill_id = %s", [waybill_id])
        (version,) = cursor.fetchone()
    return str(version)


def _own_address() -> dict[str, Any]:
    return {name: value for name, value in connection.get_connection_params().items() if name in _ADDRESS}


@pytest.mark.parametrize(
    ("array", "type_", "values"),
    [
        (arrays.int8s, "bigint", [0, 1, -1, 2**63 - 1, -(2**63)]),
        (arrays.int4s, "int", [0, 300002, -(2**31)]),
        (arrays.bools, "bool", [True, False]),
        (arrays.texts, "text", ["", "已签收", "a,b{}\"'\\", "\U0001f4e6"]),
        (arrays.byteas, "bytea", [b"", b"\x00\xff", b"sealed"]),
    ],
)
def test_an_array_arrives_as_it_is(array: Callable[[Any], arrays.Array], type_: str, values: list[Any]) -> None:
    for part in (values, values[:1], []):
        assert fetch(f"SELECT %(values)b::{type_}[]", {"values": array(part)}) == [(part,)]


def test_an_array_of_moments_arrives_as_it_is() -> None:
    moments = [datetime(1999, 12, 31, tzinfo=UTC), datetime(2026, 11, 24, 10, 30, 59, tzinfo=UTC)]

    sent = arrays.moments([int(moment.timestamp()) for moment in moments])

    assert fetch("SELECT %(values)b::timestamptz[]", {"values": sent}) == [(moments,)]


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


def _settled() -> int:
    ingest([waybill_item()], [path_item(text=f"第 {Push.objects.count()} 件事")], now=datetime.now(UTC))
    push = Push.objects.latest("pk")
    settle(Push.objects.filter(pk=push.pk), "sent")
    return push.pk


def _numbered_below(horizon: int) -> list[int]:
    below = Push.objects.filter(settled_in__lt=horizon).order_by("settled_in", "pk")
    return list(below.values_list("pk", flat=True))


def test_the_horizon_stops_short_of_the_oldest_transaction_that_still_runs(now: datetime) -> None:
    has_settled, may_commit, slow = threading.Event(), threading.Event(), []

    def settle_slowly() -> None:
        with transaction.atomic():
            slow.append(_settled())
            has_settled.set()
            may_commit.wait()

    def look() -> None:
        has_settled.wait()
        ingest([waybill_item("SF2")], [path_item("SF2")], now=now)
        quick = Push.objects.latest("pk").pk
        settle(Push.objects.filter(pk=quick), "sent")
        before = _numbered_below(settlement.horizon())
        may_commit.set()
        while not (after := _numbered_below(settlement.horizon())):
            pass
        assert (before, after) == ([], [*slow, quick])

    at_once(settle_slowly, look)


def test_a_long_transaction_of_another_database_holds_no_feed() -> None:
    parameters = {**connection.get_connection_params(), "dbname": "postgres"}
    with psycopg.connect(**{name: parameters[name] for name in parameters.keys() & _ADDRESS}) as elsewhere:
        elsewhere.execute("SELECT pg_current_xact_id()")
        push = _settled()

        assert _numbered_below(settlement.horizon()) == [push]


def test_a_dump_in_a_younger_cluster_goes_on_above_what_it_holds() -> None:
    first = _settled()
    Push.objects.update(settled_in=Push.objects.get().settled_in + 5_000_000)

    horizon = settlement.horizon()
    second = _settled()

    assert _numbered_below(horizon) == [first]
    assert Push.objects.get(pk=second).settled_in >= horizon
    assert _numbered_below(settlement.horizon()) == [first, second]


def test_a_base_is_raised_once_and_only_where_it_must_be() -> None:
    _settled()
    settlement.align()
    in_order = Feed.objects.count()
    Push.objects.update(settled_in=1 << 41)

    settlement.align()
    settlement.align()

    assert in_order == 0
    assert Feed.objects.get().base == 3 << 40


def test_a_feed_is_read_by_its_index_and_its_beginning_found_by_another(now: datetime) -> None:
    with transaction.atomic():
        feed = Push.objects.filter(AS_SETTLED.beyond((5, 0), False), settled_in__lt=9, settled_at__gte=now)
        plan = feed.order_by("settled_in", "id")[:100].explain()
        last = Push.objects.filter(settled_in__lt=9).order_by("-settled_in", "-pk")[:1].explain()
        beginning = Push.objects.filter(settled_at__lte=now).order_by("-settled_at", "-pk")[:1].explain()

    assert "push_feed" in plan
    assert "Sort" not in plan
    assert "push_feed" in last
    assert "push_settled" in beginning


@pytest.mark.parametrize(
    "statement",
    [lanes_sql.WAKE[True], lanes_sql.heads(True)],
    ids=["wake", "heads"],
)
def test_a_queue_is_found_by_its_own_index_where_nothing_was_pending_at_the_last_analysis(
    statement: str, now: datetime
) -> None:
    ingest([waybill_item("SF1")], [path_item("SF1", seconds) for seconds in range(200)], now=now)
    settle(Push.objects.all(), "sent", at=now)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE waybills_push")

    with transaction.atomic():
        plan = _plan(statement, {"ids": [1, 2], "waited_since": now, "order_wait": timedelta(seconds=60)})

    assert "push_pending" in plan
    assert "push_deadline" not in plan
