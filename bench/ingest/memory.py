"""The memory of one web process over 1,000,000 events, which come by REST."""

from pathlib import Path

from bench import served
from bench.ingest.client import bodies, post
from bench.ingest.events import BATCH
from bench.ingest.run import PATHS, UNBRAKED, Bench, stored
from bench.sender.memory import resident
from bench.system import free_port, judge, wait_for

WARM_UP, MEASURED = 100, 1000
"""Batches."""
SLICE = 50
"""Batches between two looks."""
MOST_GROWTH = 16.0
"""MiB."""


def memory(bench: Bench) -> None:
    """Measure the resident memory after the warm-up, and the most of it until the end."""
    port, samples = free_port(), []
    with bench.copy() as address:
        own = served.environment(bench.folder, address, PORT=str(port), PROCESSES="1", **UNBRAKED)
        with served.serving(bench.folder, "web", own) as process:
            wait_for(port, process)
            for first in range(0, WARM_UP + MEASURED, SLICE):
                batches = [bench.events.scans(first + place) for place in range(SLICE)]
                post(port, PATHS, bench.token, bodies(batches))
                samples.append((first + SLICE, max(map(resident, descendants(process.pid)))))
        paths = stored(address)[0] - bench.events.known
    if paths != (WARM_UP + MEASURED) * BATCH:
        raise SystemExit(f"{paths} events stored: this is no measurement")
    warm = next(size for batches, size in samples if batches >= WARM_UP)
    growth = max(size for batches, size in samples if batches >= WARM_UP) - warm
    print(f"\ningest-memory: {paths} events by one web process, {warm:.0f} MiB after the first {WARM_UP * BATCH}")
    judge("growth, MiB", f"{growth:.1f}", f"<= {MOST_GROWTH:.0f}", growth <= MOST_GROWTH)


def descendants(pid: int) -> list[int]:
    """Return the processes that a process has started, and they in turn."""
    children = [
        int(word) for task in Path(f"/proc/{pid}/task").iterdir() for word in (task / "children").read_text().split()
    ]
    return children + [own for child in children for own in descendants(child)]
