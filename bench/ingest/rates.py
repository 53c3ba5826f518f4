"""The rate of REST ingest beside COPY and merge, one POST an event, and DRF."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from statistics import median

from bench import served
from bench.ingest.client import SENDERS, bodies, post
from bench.ingest.events import BATCH
from bench.ingest.read_back import read_back
from bench.ingest.run import PATHS, UNBRAKED, WAYBILLS, Bench, manage, stored
from bench.system import BIN, clean_environment, free_port, judge, running, said, serving, spread, tell

BATCHES = 24
"""A round of a fast peer; of a slow one, what fits into SLOW_SECONDS."""
SLOW_SECONDS = 3.0
SINGLE, USUAL = 4, 8
"""Batches a round of one POST an event (each is a thousand), and of the usual peer."""
OF_SINGLE, OF_USUAL, OF_LEAN = 100_000, 10_000, 20_000
"""Their first batch: what a peer is given, no other is."""

ASKED = {"floor, waybills": 0.45, "paths": 0.3, "single": 80, "usual": 20, "tuned": 1}
"""Of the batches with all there is to do: waybills with their events."""

Rate = Callable[[int], float]
"""From a round's number, 0 to warm up, to events a second."""


def ingest(bench: Bench) -> None:
    """Measure all peers in turn, then read back what the portal was given."""
    with ExitStack() as stack:
        own, of_floor, of_paths, of_usual = (stack.enter_context(bench.copy()) for _ in range(4))
        port = stack.enter_context(bench.web(own))
        floor = stack.enter_context(floor_peer(bench, of_floor))
        paths_alone = stack.enter_context(floor_peer(bench, of_paths))
        usual = stack.enter_context(usual_peer(bench, of_usual))
        peers: dict[str, Rate] = {
            "portal, scans": lambda number: portal_rate(bench, port, "scans", number),
            "floor, scans": lambda number: floor_rate(floor, "scans", number),
            "paths": lambda number: floor_rate(paths_alone, "paths", number),
            "single": lambda number: single_rate(bench, port, number),
            "usual": lambda number: usual_rate(bench, usual, "/events/", OF_USUAL, number),
            "usual, no unique": lambda number: usual_rate(bench, usual, "/lean/", OF_LEAN, number),
            "tuned": lambda number: tuned_rate(bench, usual, number),
            "portal, waybills": lambda number: portal_rate(bench, port, "waybills", number),
            "floor, waybills": lambda number: floor_rate(floor, "waybills", number),
        }
        rates = measure(peers, bench.rounds)
        check(bench, own, of_floor)
        print_table(rates, bench.rounds)
        read_back(bench, port, (bench.rounds + 1) * BATCHES)


def measure(peers: dict[str, Rate], rounds: int) -> dict[str, list[float]]:
    """Return the rates of each peer, round by round; the first, which warms all up, counts for nothing."""
    rates: dict[str, list[float]] = {name: [] for name in peers}
    for number in range(rounds + 1):
        for name, rate in peers.items():
            measured = rate(number)
            if number:
                rates[name].append(measured)
    return rates


def portal_rate(bench: Bench, port: int, kind: str, number: int) -> float:
    make, path = {"scans": (bench.events.scans, PATHS), "waybills": (bench.events.waybills, WAYBILLS)}[kind]
    posted = post(port, path, bench.token, bodies([make(batch) for batch in of_round(number)]))
    if posted.events != BATCHES * BATCH:
        raise SystemExit(f"{posted.events} events stored of {BATCHES * BATCH}: this is no measurement")
    return posted.events / posted.seconds


def of_round(number: int, batches: int = BATCHES) -> range:
    return range(number * batches, (number + 1) * batches)


def single_rate(bench: Bench, port: int, number: int) -> float:
    events = [event for batch in of_round(number, SINGLE) for event in bench.events.scans(OF_SINGLE + batch)]
    posted = post(port, PATHS, bench.token, bodies(events), SLOW_SECONDS)
    return posted.events / posted.seconds


def usual_rate(bench: Bench, port: int, path: str, first: int, number: int) -> float:
    batches = [bench.events.scans(first + batch) for batch in of_round(number, USUAL)]
    posted = post(port, path, bench.token, bodies(batches), SLOW_SECONDS)
    return posted.events / posted.seconds


def tuned_rate(bench: Bench, port: int, number: int) -> float:
    posted = post(port, "/tuned/", bench.token, bodies([bench.events.scans(batch) for batch in of_round(number)]))
    return posted.events / posted.seconds


def floor_rate(floor, kind: str, number: int) -> float:
    tell(floor, f"{kind} {number * BATCHES} {BATCHES}")
    said(floor)
    tell(floor, "go")
    return BATCHES * BATCH / said(floor)["seconds"]


@contextmanager
def floor_peer(bench: Bench, address: str) -> Iterator[object]:
    command = [sys.executable, "-m", "bench.ingest.floor", str(bench.events.now), str(bench.events.known)]
    with running(command, served.environment(bench.folder, address)) as process:
        yield process


@contextmanager
def usual_peer(bench: Bench, address: str) -> Iterator[int]:
    """Run DRF's two peers by the portal's own server; yield their port."""
    settings = "bench.usual.ingest_settings"
    manage(bench.folder, address, "migrate", "--run-syncdb", "--verbosity", "0", "--settings", settings)
    port = free_port()
    words = ["--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--workers", "2"]
    words += ["--blocking-threads", UNBRAKED["THREADS"], "--blocking-threads-idle-timeout", "600"]
    command = [f"{BIN}/granian", *words, "--no-ws", "--log-level", "warning", "bench.usual.wsgi:application"]
    environment = served.environment(bench.folder, address, USUAL_SETTINGS=settings, PORTAL_ROLE="web")
    with serving(command, port, clean_environment(**environment)):
        yield port


def check(bench: Bench, own: str, of_floor: str) -> None:
    """End the benchmark where the rows are not those that were posted."""
    events = bench.events.known + (bench.rounds + 1) * BATCHES * BATCH * 2
    paths, pending, lanes = stored(of_floor)
    if paths != events or pending != events:
        raise SystemExit(f"the floor stored {(paths, pending, lanes)} of {events}: this is no measurement")
    own_paths, own_pending, own_lanes = stored(own)
    if own_paths < paths or own_pending != own_paths or own_lanes < lanes:
        raise SystemExit(f"the portal stored {(own_paths, own_pending, own_lanes)}: this is no measurement")


def print_table(rates: dict[str, list[float]], rounds: int) -> None:
    print(
        f"\ningest: batches of {BATCH} events, {SENDERS} senders, PostgreSQL with fsync; {rounds} rounds in turn,"
        f" median (least-most)\n{'peer':20} {'events/s':>24}"
    )
    for name, of in rates.items():
        print(f"{name:20} {spread(of, 0):>24}")
    for name, least in ASKED.items():
        compare("portal, waybills", name, rates, least)
    for name in ["floor, scans", *list(ASKED)[1:]]:
        ratios = ratios_of("portal, scans", name, rates)
        print(f"{f'portal, scans to {name}':40} {spread(ratios, 1 if median(ratios) > 10 else 2):>22}")


def compare(own: str, other: str, rates: dict[str, list[float]], least: float) -> None:
    ratios = ratios_of(own, other, rates)
    judge(f"{own} to {other}", spread(ratios, 1 if least > 1 else 2), f">= {least}", median(ratios) >= least)


def ratios_of(own: str, other: str, rates: dict[str, list[float]]) -> list[float]:
    return [one / two for one, two in zip(rates[own], rates[other], strict=True)]
