"""The rate beside 5,000,000 stored paths, and beside 100,000."""

from contextlib import ExitStack
from dataclasses import replace
from statistics import median

import psycopg

from bench.ingest.client import bodies, post
from bench.ingest.events import BATCH, STEPS_OF_NEW
from bench.ingest.run import PATHS, Bench, settle_down
from bench.rows import copy, digest
from bench.system import judge, spread

FEW, MANY = 100_000, 5_000_000
NEWEST, ANY_AGE = "parcels under way", "waybills of any age"
AGES = (NEWEST, ANY_AGE)
"""Parcels under way: the newest waybills, as many as the small database has."""
LEAST = 0.7
"""Of parcels under way."""
BATCHES = 16
"""A round."""
FIRST_ID = 10_000_000
"""Of rows that are made here: far beyond all others."""
_SIZE = "SELECT pg_database_size(current_database())"


_TABLES = (
    "SELECT oid FROM pg_class WHERE relname IN ('waybills_push','waybills_path','waybills_lane','waybills_waybill')"
)


def growth(bench: Bench) -> None:
    """Measure events of the newest waybills and of waybills of any age, in both databases in turn."""
    rates: dict[tuple[str, int], list[float]] = {}
    sizes, ports = {}, {}
    with ExitStack() as stack:
        for paths in (FEW, MANY):
            address = stack.enter_context(bench.copy())
            sizes[paths] = fill(address, paths)
            ports[paths] = stack.enter_context(bench.web(address))
        for number in range(bench.rounds + 1):
            for age in AGES:
                for paths, port in ports.items():
                    rate = measure(bench, port, paths, age, number)
                    if number:
                        rates.setdefault((age, paths), []).append(rate)
    print(f"\ningest-growth: {bench.rounds} rounds in turn")
    for (age, paths), of in rates.items():
        print(f"{f'{age} of {paths:,} paths, {sizes[paths] / 2**30:.1f} GiB':44} {spread(of, 0):>26} events/s")
    ratios = {age: [many / few for many, few in zip(rates[age, MANY], rates[age, FEW], strict=True)] for age in AGES}
    print(f"{f'{ANY_AGE}, many to few':44} {spread(ratios[ANY_AGE], 2):>26}")
    judge(f"{NEWEST}, many to few", spread(ratios[NEWEST], 2), f">= {LEAST}", median(ratios[NEWEST]) >= LEAST)


def measure(bench: Bench, port: int, paths: int, age: str, number: int) -> float:
    waybills, under_way = paths // STEPS_OF_NEW, FEW // STEPS_OF_NEW
    known = under_way if age == NEWEST else waybills
    events = replace(bench.events, known=known, first=waybills - known)
    first = (AGES.index(age) * (bench.rounds + 1) + number) * BATCHES
    batches = [events.scans(first + place) for place in range(BATCHES)]
    posted = post(port, PATHS, bench.token, bodies(batches))
    if posted.events != BATCHES * BATCH:
        raise SystemExit(f"{posted.events} events stored of {BATCHES * BATCH}: this is no measurement")
    return posted.events / posted.seconds


def fill(address: str, paths: int) -> int:
    """Store paths and pushes that were sent, eight a waybill, in place of the known ones; return bytes on the disk."""
    with psycopg.connect(address, autocommit=True) as connection:
        with connection.transaction():
            # Without the foreign keys' triggers: rows that are made here refer to each other.
            connection.execute("SET LOCAL session_replication_role = replica")
            for table in ("push", "path", "lane", "waybill"):
                connection.execute(
                    f"DELETE FROM waybills_{table} WHERE ctid <> (SELECT min(ctid) FROM waybills_{table})"
                )
            connection.execute("UPDATE waybills_waybill SET no = 'sample'")
            connection.execute(f"UPDATE pg_index SET indisready = false WHERE indrelid IN ({_TABLES})")
            add_rows(connection, paths)
            connection.execute("SET LOCAL maintenance_work_mem = '256MB'")
            for table in ("push", "path", "lane", "waybill"):
                # An index a time is built in a tenth of what it takes row by row.
                connection.execute(f"REINDEX TABLE waybills_{table}")
            for table, key in (("push", "id"), ("path", "id"), ("lane", "waybill_id"), ("waybill", "id")):
                connection.execute(f"DELETE FROM waybills_{table} WHERE {key} < {FIRST_ID}")
        settle_down(address)
        return connection.execute(_SIZE).fetchone()[0]


def add_rows(connection: psycopg.Connection, paths: int) -> None:
    waybills = paths // STEPS_OF_NEW
    of = f"{FIRST_ID} + g / {STEPS_OF_NEW}"
    sent = "now() - interval '1 day' + g * interval '1 ms'"
    copy(connection, "waybills_waybill", waybills, id=f"{FIRST_ID} + g", no="'SF' || lpad(g::text, 12, '0')")
    copy(connection, "waybills_lane", waybills, waybill_id=f"{FIRST_ID} + g", wake_at="NULL", is_urgent="false")
    copy(connection, "waybills_path", paths, id=f"{FIRST_ID} + g", waybill_id=of, digest=digest("old"))
    own = {"id": f"{FIRST_ID} + g", "path_id": f"{FIRST_ID} + g", "waybill_id": of}
    copy(connection, "waybills_push", paths, **own, state="'sent'", settled_at=sent, settled_in="1", not_before="NULL")
    for table in ("waybill", "path", "push"):
        connection.execute(f"SELECT setval(pg_get_serial_sequence('waybills_{table}', 'id'), {FIRST_ID + paths})")
