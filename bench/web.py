"""The callback and the landing page: against a bare WSGI app and a peer written in the usual way."""

import json
import pickle
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench import callback, jsonp, world
from bench.system import BIN, ROOT, clean_environment, cpu_seconds, database, free_port, serving, spread

CONNECTIONS = 8
GRANIAN = ["--interface", "wsgi", "--host", "127.0.0.1", "--workers", "2", "--blocking-threads", "4"]
GRANIAN += ["--blocking-threads-idle-timeout", "600", "--no-access-log", "--log-level", "warning"]
GUNICORN = ["--workers", "2", "--threads", "4", "--log-level", "warning"]
PREPARE = {"callback": callback.prepare_random, "jsonp": jsonp.prepare}


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


def run(names: list[str], server: str, rounds: int, seconds: float) -> None:
    """Measure these on one database of 20,000 waybills of 8 path events each."""
    with ExitStack() as stack:
        address = stack.enter_context(database(server))
        environment = clean_environment(**world.ENVIRONMENT, DATABASE_URL=address)
        subprocess.run([sys.executable, "-m", "bench.world"], cwd=ROOT, env=environment, check=True)
        ports = {name: free_port() for name in ("bare", "portal", "usual", "tuned")}
        servers = {}
        for peer in peers(ports):
            pid = stack.enter_context(serving(peer.command, ports[peer.name], environment))
            servers[peer.name] = Server(ports[peer.name], pid)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for what in names:
            print_table(what, bench(what, servers, rounds, seconds, folder))
