"""The rate of `import_waybills` beside REST's, of the same events."""

import csv
import time
from pathlib import Path
from statistics import median

from bench.ingest.client import SENDERS, bodies, post
from bench.ingest.events import BATCH, Item
from bench.ingest.run import WAYBILLS, Bench, manage, stored
from bench.system import judge, spread

BATCHES = 200
"""Of a round; the file has a row an event."""
LEAST = 0.5
PARTIES = ("sender", "receiver")


def files(bench: Bench) -> None:
    """Measure new waybills with their events, from a file and by REST, in turn, into a database each."""
    rates: dict[str, list[float]] = {"file": [], "REST": []}
    with bench.copy() as of_files, bench.copy() as of_rest, bench.web(of_rest) as port:
        for number in range(bench.rounds):
            batches = [bench.events.waybills(number * BATCHES + place) for place in range(BATCHES)]
            rates["REST"].append(rest_rate(bench, port, batches))
            rates["file"].append(file_rate(bench, of_files, batches))
        if stored(of_files) != stored(of_rest):
            raise SystemExit(f"{stored(of_files)} and {stored(of_rest)} stored: this is no measurement")
    print(f"\ningest-files: {BATCHES * BATCH} events a round; the import is one process, REST has {SENDERS} senders")
    for name, of in rates.items():
        print(f"{name:34} {spread(of, 0):>26} events/s")
    ratios = [file / rest for file, rest in zip(rates["file"], rates["REST"], strict=True)]
    judge("file to REST", spread(ratios, 2), f">= {LEAST}", median(ratios) >= LEAST)


def rest_rate(bench: Bench, port: int, batches: list[list[Item]]) -> float:
    posted = post(port, WAYBILLS, bench.token, bodies(batches))
    return posted.events / posted.seconds


def file_rate(bench: Bench, address: str, batches: list[list[Item]]) -> float:
    """Return the rate from the command's start to its end: it looks through the whole file first."""
    file = bench.folder / "import.csv"
    write_csv(file, [waybill for batch in batches for waybill in batch])
    began = time.perf_counter()
    manage(bench.folder, address, "import_waybills", str(file), "--yes")
    return BATCHES * BATCH / (time.perf_counter() - began)


def write_csv(file: Path, waybills: list[Item]) -> None:
    rows = [flat(waybill) | path for waybill in waybills for path in waybill["paths"]]
    with file.open("w", newline="", encoding="utf-8") as output:
        writer = csv.DictWriter(output, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def flat(waybill: Item) -> Item:
    """Return the columns of a waybill, named as the import names them: `receiver.phone`."""
    own = {name: waybill[name] for name in ("waybill_id", "create_time")}
    return own | {f"{party}.{name}": value for party in PARTIES for name, value in waybill[party].items()}
