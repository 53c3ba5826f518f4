"""What the sender's measures share: the databases to copy, the far side, a drain by one or more processes, verdicts."""

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

from bench.sender import world
from bench.system import ROOT, clean_environment, database, running, said, tell
from bench.world import WAYBILLS

LATENCY_MS = 50
_copies = count(1)


@dataclass(frozen=True)
class Bench:
    """What one run has: the server, databases to copy, and its options."""

    server: str
    idle: str
    """Waybills whose receivers are known; no events."""
    due: str
    """The same, with an event of each waybill that is due."""
    rounds: int
    broker: str
    """Of the usual sender; empty: it is left out."""
    folder: Path

    @contextmanager
    def copy(self, of: str) -> Iterator[str]:
        """Make a copy of a database, yield its address, and drop it."""
        with database(self.server, f"_{next(_copies)}", of) as address:
            yield address


@dataclass(frozen=True)
class Drained:
    """What a drain took: of the clock from the word to the last process's end, of the processor in all."""

    seconds: float
    cpu: float

    @property
    def rate(self) -> float:
        return WAYBILLS / self.seconds

    @property
    def cpu_of_one(self) -> float:
        return self.cpu / WAYBILLS


@contextmanager
def prepared(server: str, rounds: int, broker: str) -> Iterator[Bench]:
    """Make the databases that the measures copy; drop them at the end."""
    with ExitStack() as stack:
        idle = stack.enter_context(database(server, "_idle"))
        call("bench.sender.world", "waybills", database=idle)
        due = stack.enter_context(database(server, "_due", idle))
        call("bench.sender.world", "events", database=due)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        yield Bench(server, idle, due, rounds, broker, folder)


def call(module: str, *words: str, database: str) -> None:
    """Run a module of the bench on a database until it ends."""
    environment = clean_environment(**world.environment(database))
    subprocess.run([sys.executable, "-m", module, *words], cwd=ROOT, env=environment, check=True)


@dataclass(frozen=True)
class FarSide:
    port: int
    process: subprocess.Popen

    def report(self) -> dict[str, float]:
        """Return what came since the last report."""
        tell(self.process, "report")
        return said(self.process)


@contextmanager
def far_side(callback_port: int = 0) -> Iterator[FarSide]:
    words = [str(callback_port)] if callback_port else []
    with running([sys.executable, "-m", "bench.sender.far_side", *words], clean_environment()) as process:
        yield FarSide(said(process)["port"], process)


def drain(module: str, database: str, far_side: FarSide, processes: int = 1) -> tuple[Drained, dict[str, float]]:
    """Let so many processes of a module send all that is due; return what it took, and the far side's report."""
    far_side.report()
    environment = clean_environment(**world.environment(database, far_side.port))
    with ExitStack() as stack:
        drains = [stack.enter_context(running([sys.executable, "-m", module], environment)) for _ in range(processes)]
        for process in drains:
            said(process)
        began = time.perf_counter()
        for process in drains:
            tell(process, "go")
        results = [said(process) for process in drains]
        seconds = time.perf_counter() - began
    report = far_side.report()
    check_all_sent(database, report)
    return Drained(seconds, sum(result["cpu"] for result in results)), report


def check_all_sent(database: str, report: dict[str, float]) -> None:
    """End the benchmark where the rows, or the far side, do not say that each push was sent once."""
    with psycopg.connect(database) as connection:
        row = connection.execute(
            """SELECT count(*) FILTER (WHERE state = 'sent'), count(*),
                      (SELECT count(*) FROM waybills_pushattempt WHERE outcome = 'ok'),
                      (SELECT count(*) FROM waybills_lane WHERE leased OR wake_at IS NOT NULL) FROM waybills_push"""
        ).fetchone()
    if row != (WAYBILLS, WAYBILLS, WAYBILLS, 0) or report["calls"] != WAYBILLS + report["refused"]:
        raise SystemExit(f"(sent, pushes, attempts, lanes that are not done) = {row}, {report}: this is no measurement")


Measure = Callable[[Bench], None]
