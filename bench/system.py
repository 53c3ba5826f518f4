"""What every benchmark needs of the machine: databases and processes of its own, ports, processor time, spread."""

import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
KEPT = ("PATH", "HOME", "LANG", "TMPDIR")
"""All that a process takes over of the caller's environment: no setting of a developer's changes a measurement."""


def clean_environment(**more: str) -> dict[str, str]:
    return {name: os.environ[name] for name in KEPT if name in os.environ} | more


@contextmanager
def database(server: str, name: str = "", template: str = "template1") -> Iterator[str]:
    """Make a database, a copy of another's where one is named, yield its address, and drop it."""
    name = f"portal_bench_{os.getpid()}{name}"
    try:
        connection = psycopg.connect(f"{server}/postgres", autocommit=True)
    except psycopg.OperationalError as error:
        raise SystemExit(f"The benchmarks need PostgreSQL ({server}, or --postgres): {error}") from None
    with connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template.rpartition('/')[2]}")
        try:
            yield f"{server}/{name}"
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def running(command: Sequence[str], environment: dict[str, str]) -> Iterator[subprocess.Popen]:
    """Run a process with pipes for words in and out until the block ends."""
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        end(process)
        for pipe in (process.stdin, process.stdout):
            pipe.close()


@contextmanager
def serving(command: Sequence[str], port: int, environment: dict[str, str]) -> Iterator[int]:
    """Run a server until the block ends; yield its process id."""
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        wait_for(port, process)
        yield process.pid
    finally:
        end(process)


def end(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def said(process: subprocess.Popen) -> dict:
    """Return the next line that a process says, as JSON; end the benchmark where it says no more."""
    line = process.stdout.readline()
    if not line:
        raise SystemExit(f"a process ended with status {process.wait()}: {process.args}")
    return json.loads(line)


def tell(process: subprocess.Popen, words: str) -> None:
    process.stdin.write(words + "\n")
    process.stdin.flush()


def wait_for(port: int, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"a server ended with status {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("a server did not start")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cpu_seconds(server: int) -> float:
    """Return the processor time of a server and its workers so far: unlike a rate, it hardly feels a busy machine."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended since
            continue
        if server in (int(stat.parent.name), int(fields[1])):
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def spread(values: list[float], digits: int) -> str:
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def judge(what: str, said: str, asked: str, holds: bool) -> None:
    """Print a figure, what is asked of it, and whether it holds."""
    print(f"{what:34} {said:>26}   {asked:>10}   {'holds' if holds else 'DOES NOT HOLD'}", flush=True)
