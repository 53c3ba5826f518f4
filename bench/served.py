"""The portal's own processes, as `make web` and `make worker` start them."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.sender import world
from bench.system import ROOT, clean_environment, end, free_port, running, said, wait_for

START_WITHIN = 60.0
SECRET = "no-secret-of-anything-but-of-a-benchmark-0123456789"


@contextmanager
def web(folder: Path, database: str, **more: str) -> Iterator[int]:
    """Run the web processes; yield their port. folder: of the broker and the logs."""
    port = free_port()
    with serving(folder, "web", environment(folder, database, PORT=str(port), **more)) as process:
        wait_for(port, process)
        yield port


@contextmanager
def worker(folder: Path, database: str, far_side: int) -> Iterator[subprocess.Popen]:
    """Run the workers; yield a process that feeds events (`bench.sender.feed`)."""
    own = environment(folder, database, WECHAT_API_BASE=f"http://127.0.0.1:{far_side}")
    with serving(folder, "worker", own), running([sys.executable, "-m", "bench.sender.feed"], own) as feeder:
        said(feeder)
        yield feeder


def environment(folder: Path, database: str, **more: str) -> dict[str, str]:
    """Return the environment of processes that share one database and one file broker."""
    broker = f"filesystem://{folder}/{database.rpartition('/')[2]}-broker"
    own = world.environment(database, CELERY_BROKER_URL=broker, DJANGO_SECRET_KEY=SECRET)
    return clean_environment(**(own | more))


@contextmanager
def serving(folder: Path, half: str, environment: dict[str, str]) -> Iterator[subprocess.Popen]:
    log = folder / f"{half}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "serve", half], cwd=ROOT, env=environment, stdout=output, stderr=output
        )
        try:
            yield process
        except BaseException:
            sys.stderr.write(log.read_text()[-4000:])
            raise
        finally:
            end(process)


def until(holds: Callable[[], bool], what: str, within: float = START_WITHIN) -> None:
    """Wait until something holds; end the benchmark where it does not come to that."""
    give_up = time.monotonic() + within
    while not holds():
        if time.monotonic() > give_up:
            raise SystemExit(f"not within {within:.0f} s: {what}; this is no measurement")
        time.sleep(0.1)
