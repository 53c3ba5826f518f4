"""The time of a claim: fresh, beside a million settled rows, and with a queue behind heads that have backed off."""

import sys
from contextlib import ExitStack
from statistics import median

import psycopg

from bench.rows import copy, digest
from bench.sender import world
from bench.sender.claimer import SIZE
from bench.sender.run import Bench
from bench.system import clean_environment, judge, running, said, spread, tell
from bench.world import WAYBILLS

SETTLED, A_WAYBILL = 1_000_000, 8
HEADS, BEHIND = 6_500, 10
WARM_UP, CLAIMS = 5, 40
MOST = 1.5
"""Of the fresh claim's time: what still counts as flat."""
FIRST_ID = 10_000_000
"""Of rows that are made here: far beyond all others."""


def claim(bench: Bench) -> None:
    """Measure claims of 200 in three databases in turn."""
    with ExitStack() as stack:
        makers = {"fresh": None, "settled": add_settled, "backed off": add_backed_off}
        claimers = {}
        for name, make in makers.items():
            database = stack.enter_context(bench.copy(bench.due))
            with psycopg.connect(database, autocommit=True) as connection:
                if make is not None:
                    make(connection)
                connection.execute("VACUUM ANALYZE")
            environment = clean_environment(**world.environment(database))
            command = [sys.executable, "-m", "bench.sender.claimer"]
            claimers[name] = stack.enter_context(running(command, environment))
            said(claimers[name])
        times: dict[str, list[float]] = {name: [] for name in claimers}
        for number in range(WARM_UP + CLAIMS):
            for name, process in claimers.items():
                seconds = claim_once(process)
                if number >= WARM_UP:
                    times[name].append(seconds * 1000)
    print(f"\nsender-claim: {SIZE} of {WAYBILLS} due lanes, {CLAIMS} claims in turn, median (least-most) ms")
    for name, taken in times.items():
        print(f"{name:34} {spread(taken, 1):>26}")
    for name, words in (("settled", f"{SETTLED:,} settled rows"), ("backed off", f"{HEADS * BEHIND:,} behind heads")):
        ratio = median(times[name]) / median(times["fresh"])
        judge(f"{words}, to fresh", f"{ratio:.2f}", f"<= {MOST}", ratio <= MOST)


def claim_once(process) -> float:
    tell(process, "claim")
    claimed = said(process)
    if claimed["claimed"] != SIZE:
        raise SystemExit(f"{claimed}: this is no measurement")
    return claimed["seconds"]


def add_settled(connection: psycopg.Connection) -> None:
    """Store pushes that were sent, eight a waybill, with their paths and attempts."""
    waybills = SETTLED // A_WAYBILL
    of = f"{FIRST_ID} + g / {A_WAYBILL}"
    sent = "now() - interval '1 day' + g * interval '1 ms'"
    with connection.transaction():
        # Without the foreign keys' triggers: rows that are made here refer to each other.
        connection.execute("SET LOCAL session_replication_role = replica")
        copy(connection, "waybills_waybill", waybills, id=f"{FIRST_ID} + g", no="'OLD' || g")
        copy(connection, "waybills_lane", waybills, waybill_id=f"{FIRST_ID} + g", wake_at="NULL", is_urgent="false")
        copy(connection, "waybills_path", SETTLED, id=f"{FIRST_ID} + g", waybill_id=of, digest=digest("old"))
        push = {"id": f"{FIRST_ID} + g", "path_id": f"{FIRST_ID} + g", "waybill_id": of, "action_time": "g"}
        ended = {"state": "'sent'", "settled_at": sent, "settled_in": "g", "not_before": "NULL"}
        copy(connection, "waybills_push", SETTLED, **push, **ended)
        connection.execute(
            f"""INSERT INTO waybills_pushattempt (id, push_id, call, fence, trigger, started_at, ended_at, outcome,
                                                  errcode, errmsg, exist, sealed)
                SELECT gen_random_uuid(), {FIRST_ID} + g, 'pathnotify', 1, 'event', {sent}, {sent}, 'ok', 0, '', 1,
                       (SELECT sealed FROM waybills_path LIMIT 1) FROM generate_series(0, {SETTLED - 1}) AS g"""
        )


def add_backed_off(connection: psycopg.Connection) -> None:
    """Store lanes whose head has backed off for an hour, with ten pushes behind each that are due."""
    count = HEADS * (BEHIND + 1)
    of = f"{FIRST_ID} + g / {BEHIND + 1}"
    is_head = f"g % {BEHIND + 1} = 0"
    later = "now() + interval '1 hour'"
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        copy(connection, "waybills_waybill", HEADS, id=f"{FIRST_ID} + g", no="'OFF' || g")
        copy(connection, "waybills_lane", HEADS, waybill_id=f"{FIRST_ID} + g", wake_at=later)
        copy(connection, "waybills_path", count, id=f"{FIRST_ID} + g", waybill_id=of, digest=digest("off"))
        copy(
            connection,
            "waybills_push",
            count,
            id=f"{FIRST_ID} + g",
            path_id=f"{FIRST_ID} + g",
            waybill_id=of,
            action_time=f"sample.action_time + g % {BEHIND + 1}",
            action_type=f"CASE WHEN {is_head} THEN sample.action_type ELSE 200001 END",
            not_before=f"CASE WHEN {is_head} THEN {later} ELSE sample.not_before END",
            tries=f"CASE WHEN {is_head} THEN 5 ELSE 0 END",
        )
