"""Measures the portal's hot paths against a bare WSGI app and a peer written in the usual way, in one run.

python -m bench.run [callback] [jsonp] [--rounds N] [--seconds S] [--postgres postgres://postgres@127.0.0.1:5432]

Makes a PostgreSQL database of its own, fills it (20,000 waybills, 8 path events each), starts the servers, lets them
take turns, prints the ratios, and drops the database. It ends by itself: rounds × peers × seconds, and the filling.
"""

import argparse
import json
import os
import pickle
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench import callback, jsonp, world

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
CONNECTIONS = 8
GRANIAN = ["--interface", "wsgi", "--host", "127.0.0.1", "--workers", "2", "--blocking-threads", "4"]
GRANIAN += ["--blocking-threads-idle-timeout", "600", "--no-access-log", "--log-level", "warning"]
GUNICORN = ["--workers", "2", "--threads", "4", "--log-level", "warning"]
PREPARE = {"callback": callback.prepare, "jsonp": jsonp.prepare}
KEPT = ("PATH", "HOME", "LANG", "TMPDIR")
"""All that a server takes over of the caller's environment: no setting of a developer's changes a measurement."""


@dataclass(frozen=True)
class Peer:
    name: str
    command: list[str]


@dataclass(frozen=True)
class Server:
    port: int
    pid: int


def peers(ports: dict[str, int]) -> list[Peer]:
    return [
        Peer("bare", [f"{BIN}/granian", *GRANIAN, "--port", str(ports["bare"]), "bench.bare_wsgi:application"]),
        Peer("portal", [f"{BIN}/granian", *GRANIAN, "--port", str(ports["portal"]), "portal.wsgi:application"]),
        Peer("usual", usual(ports["usual"])),
        # Kinder than usual: with persistent connections, as the portal itself has them.
        Peer("tuned", ["env", "USUAL_SETTINGS=bench.usual.settings", *usual(ports["tuned"])]),
    ]


def usual(port: int) -> list[str]:
    return [f"{BIN}/gunicorn", *GUNICORN, "--bind", f"127.0.0.1:{port}", "bench.usual.wsgi:application"]


@contextmanager
def database(server: str) -> Iterator[str]:
    """Make a database, yield its address, and drop it."""
    name = f"portal_bench_{os.getpid()}"
    try:
        connection = psycopg.connect(f"{server}/postgres", autocommit=True)
    except psycopg.OperationalError as error:
        raise SystemExit(f"The benchmarks need PostgreSQL ({server}, or --postgres): {error}") from None
    with connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield f"{server}/{name}"
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def serving(peer: Peer, port: int, environment: dict[str, str]) -> Iterator[int]:
    """Run a server until the block ends; yield its process id."""
    process = subprocess.Popen(peer.command, cwd=ROOT, env=environment)
    try:
        wait_for(port, process)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


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


def measure(port: int, server: int, seconds: float, requests: Path) -> dict[str, float]:
    before = cpu_seconds(server)
    command = [sys.executable, "-m", "bench.client", str(port), str(CONNECTIONS), str(seconds), str(requests)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds + 60, check=True)
    result = json.loads(done.stdout)
    if result["wrong"]:
        raise SystemExit(f"{result['wrong']} wrong answers: this is no measurement")
    result["cpu"] = (cpu_seconds(server) - before) / result["answers"]
    return result


def bench(what: str, servers: dict[str, Server], rounds: int, seconds: float, folder: Path) -> dict[str, list[dict]]:
    """Return the results of each peer, round by round: the peers take turns, so that a slow moment hits all."""
    requests = folder / what
    requests.write_bytes(pickle.dumps(PREPARE[what](4000, 1)))
    results: dict[str, list[dict]] = {name: [] for name in servers}
    for number in range(rounds + 1):
        for name, server in servers.items():
            result = measure(server.port, server.pid, seconds if number else 1, requests)
            if number:
                results[name].append(result)
    return results


def print_table(what: str, results: dict[str, list[dict]]) -> None:
    rates = {name: [run["answers"] / run["seconds"] for run in runs] for name, runs in results.items()}
    print(f"\n{what}: {len(rates['bare'])} rounds in turn, {CONNECTIONS} connections, median (least-most)")
    print(
        f"{'peer':8} {'answers/s':>20} {'ratio to bare':>18} {'cpu µs':>17} {'of bare':>8} {'p50 ms':>7} {'p99 ms':>7}"
    )
    cpus = {name: [run["cpu"] * 1e6 for run in runs] for name, runs in results.items()}
    for name, runs in results.items():
        ratios = [rate / bare for rate, bare in zip(rates[name], rates["bare"], strict=True)]
        work = statistics.median(cpus["bare"]) / statistics.median(cpus[name])
        p50, p99 = (statistics.median(run[key] for run in runs) for key in ("p50", "p99"))
        print(
            f"{name:8} {spread(rates[name], 0):>20} {spread(ratios, 2):>18} {spread(cpus[name], 0):>17} {work:8.2f}"
            f" {p50:7.1f} {p99:7.1f}"
        )
    for name in ("usual", "tuned"):
        times = [portal / other for portal, other in zip(rates["portal"], rates[name], strict=True)]
        saved = statistics.median(cpus[name]) / statistics.median(cpus["portal"])
        print(f"portal to {name}: {spread(times, 1)} times; by processor time {saved:.1f} times")


def spread(values: list[float], digits: int) -> str:
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", metavar="callback|jsonp")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--postgres", default="postgres://postgres@127.0.0.1:5432")
    options = parser.parse_args()
    with ExitStack() as stack:
        address = stack.enter_context(database(options.postgres))
        environment = {name: os.environ[name] for name in KEPT if name in os.environ}
        environment |= world.ENVIRONMENT | {"DATABASE_URL": address}
        subprocess.run([sys.executable, "-m", "bench.world"], cwd=ROOT, env=environment, check=True)
        ports = {name: free_port() for name in ("bare", "portal", "usual", "tuned")}
        servers = {}
        for peer in peers(ports):
            pid = stack.enter_context(serving(peer, ports[peer.name], environment))
            servers[peer.name] = Server(ports[peer.name], pid)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for what in options.what or PREPARE:
            print_table(what, bench(what, servers, options.rounds, options.seconds, folder))


if __name__ == "__main__":
    main()
