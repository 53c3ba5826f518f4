"""What the ingest's measures share: a database of known waybills, the web processes, and what they were told."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg

from bench import served
from bench.ingest.client import bodies, post
from bench.ingest.events import BATCH, Events
from bench.system import ROOT, database

KNOWN = 20_000
OF_KNOWN = 1_000_000
"""The first batch of their events: no measure posts it again."""
PATHS, WAYBILLS = "/api/v1/paths/", "/api/v1/waybills/"
UNBRAKED = {"API_RATE": "9999999/s", "THREADS": "8"}
"""No brake on the account; threads enough that no sender is ever told to come again."""
_copies = count(1)


@dataclass(frozen=True)
class Bench:
    """What one run has: the server, a database to copy with its account's token, and its options."""

    server: str
    known: str
    """KNOWN waybills and as many events, posted by REST."""
    token: str
    events: Events
    rounds: int
    folder: Path

    @contextmanager
    def copy(self) -> Iterator[str]:
        """Make a copy of the database, yield its address, and drop it."""
        with database(self.server, f"_ingest_{next(_copies)}", self.known) as address:
            yield address

    @contextmanager
    def web(self, address: str, **more: str) -> Iterator[int]:
        """Run the web processes as `make web` does; yield their port."""
        with served.web(self.folder, address, **(UNBRAKED | more)) as port:
            yield port


@contextmanager
def prepared(server: str, rounds: int) -> Iterator[Bench]:
    """Make the database that the measures copy, through REST; drop it at the end."""
    with ExitStack() as stack:
        known = stack.enter_context(database(server, "_known"))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bench = Bench(server, known, account(folder, known), Events(int(time.time()), KNOWN), rounds, folder)
        with bench.web(known) as port:
            post_known(bench, port)
        settle_down(known)
        yield bench


def account(folder: Path, address: str) -> str:
    """Make the tables, and a service account; return its token."""
    manage(folder, address, "migrate", "--verbosity", "0")
    return manage(folder, address, "service_account", "bench").strip()


def manage(folder: Path, address: str, *words: str) -> str:
    """Run `manage.py` until it ends; return what it says."""
    command = [sys.executable, "manage.py", *words]
    environment = served.environment(folder, address)
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{words}: {done.stderr[-2000:]}")
    return done.stdout


def post_known(bench: Bench, port: int) -> None:
    """Post the known waybills, and then as many events: no table is planned as an empty one."""
    batches = [
        [bench.events.waybill(number) for number in range(first, first + BATCH)]
        for first in range(0, bench.events.known, BATCH)
    ]
    post(port, WAYBILLS, bench.token, bodies(batches))
    scans = [bench.events.scans(OF_KNOWN + batch) for batch in range(len(batches))]
    post(port, PATHS, bench.token, bodies(scans))


def settle_down(address: str) -> None:
    """Let what was written come to rest: statistics, and no checkpoint that is due in the middle of a round."""
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def stored(address: str) -> tuple[int, int, int]:
    """Return how many (paths, pushes that are pending, lanes that are due) there are."""
    with psycopg.connect(address) as connection:
        return connection.execute(
            """SELECT (SELECT count(*) FROM waybills_path),
                      (SELECT count(*) FROM waybills_push WHERE state = 'pending'),
                      (SELECT count(*) FROM waybills_lane WHERE wake_at IS NOT NULL)"""
        ).fetchone()


Measure = Callable[[Bench], None]
