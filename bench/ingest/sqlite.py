"""REST ingest on one machine without a server: SQLite."""

import sqlite3

from bench.ingest.client import SENDERS, bodies, post
from bench.ingest.events import BATCH, Item
from bench.ingest.run import PATHS, WAYBILLS, Bench, account, post_known
from bench.system import judge, spread

BATCHES = 24
LEAST = 8000


def sqlite_rates(bench: Bench) -> None:
    """Measure events of known waybills, and new waybills with their events."""
    file = bench.folder / "ingest.sqlite3"
    address = f"sqlite:///{file}"
    token = account(bench.folder, address)
    own = Bench(bench.server, address, token, bench.events, bench.rounds, bench.folder)
    rates: dict[str, list[float]] = {"events of known waybills": [], "waybills with their events": []}
    with bench.web(address) as port:
        post_known(own, port)
        for number in range(bench.rounds):
            first = number * BATCHES
            scans = [bench.events.scans(first + place) for place in range(BATCHES)]
            waybills = [bench.events.waybills(first + place) for place in range(BATCHES)]
            rates["events of known waybills"].append(rate(port, PATHS, token, scans))
            rates["waybills with their events"].append(rate(port, WAYBILLS, token, waybills))
    check(file, bench.events.known + 2 * bench.rounds * BATCHES * BATCH)
    print(f"\ningest-sqlite: batches of {BATCH} events, {SENDERS} senders; {bench.rounds} rounds")
    for what, of in rates.items():
        judge(what, spread(of, 0), f">= {LEAST}", sorted(of)[len(of) // 2] >= LEAST)


def rate(port: int, path: str, token: str, batches: list[list[Item]]) -> float:
    posted = post(port, path, token, bodies(batches))
    return posted.events / posted.seconds


def check(file, expected: int) -> None:
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    (paths,), (pushes,) = (
        connection.execute(f"SELECT count(*) FROM waybills_{table}").fetchone() for table in ("path", "push")
    )
    connection.close()
    if (paths, pushes) != (expected, expected):
        raise SystemExit(f"{paths} paths and {pushes} pushes of {expected} stored: this is no measurement")
