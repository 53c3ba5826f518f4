"""The API of a real server: as its description says, and under pressure."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

from tests.live import answers, eventually
from tests.portal.conftest import Processes, run

pytestmark = pytest.mark.processes

THREADS = 4
LOCK_WAIT = 5.0
"""Seconds, as in portal/settings.py, on both databases."""


class Server:
    """A web server, and how to reach it."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self.url = f"http://127.0.0.1:{environment['PORT']}"

    def new_token(self, name: str) -> str:
        return run(self.environment, "manage.py", "service_account", name).stdout.strip()

    def sender(self, name: str) -> requests.Session:
        """Return a client of an account of its own."""
        session = self.client()
        session.headers["Authorization"] = f"Token {self.new_token(name)}"
        return session

    def client(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        return session


@pytest.fixture
def server(production: dict[str, str], processes: Processes) -> Server:
    served = Server(production | {"THREADS": str(THREADS)})
    processes.start(served.environment, "manage.py", "serve", "web")
    eventually(lambda: answers(f"{served.url}/readyz"))
    return served


def events(sender: str, batch: int, size: int) -> list[dict[str, Any]]:
    now = int(time.time())
    return [
        {"waybill_id": f"{sender}-{batch}-{n}", "action_time": now, "action_type": 200001, "action_msg": "快件到达"}
        for n in range(size)
    ]


def test_it_answers_as_it_is_described(server: Server, tmp_path: Path) -> None:
    """schemathesis: no answer of 500, none that the description lacks, none of another shape."""
    command = [
        *(str(Path(sys.executable).parent / "schemathesis"), "run", f"{server.url}/api/schema/"),
        *("--header", f"Authorization: Token {server.new_token('fuzzer')}"),
        *("--phases", "examples,coverage,fuzzing", "--max-examples", "10", "--no-shrink", "--continue-on-failure"),
        # A batch with bad items is taken all the same, its good items kept; and text of blanks is missing text, which
        # a description cannot say.
        *("--exclude-checks", "negative_data_rejection,positive_data_acceptance"),
        # The same requests each time: what a search by chance finds is not a fault of the change under test.
        *("--seed", "1"),
    ]

    done = subprocess.run(
        command, cwd=tmp_path, env={"PATH": "", "HOME": str(tmp_path)}, capture_output=True, text=True, timeout=300
    )

    assert done.returncode == 0, done.stdout
    assert "11 selected / 11 total" in done.stdout


def test_a_connection_outlives_a_request_that_was_refused_unread(server: Server) -> None:
    session = server.sender("oms")
    body = events("A", 0, 5000)

    for _ in range(5):
        refused = session.post(f"{server.url}/api/v1/paths/", json=body, headers={"Authorization": "Token nonsense"})
        unknown = session.post(f"{server.url}/api/v1/nothing/", json=body)
        taken = session.get(f"{server.url}/api/v1/cells/")
        assert (refused.status_code, unknown.status_code, taken.status_code) == (401, 404, 200)


@contextmanager
def locked(database_url: str) -> Iterator[None]:
    """Hold what every ingest needs, from another connection."""
    if database_url.startswith("postgres"):
        with psycopg.connect(database_url) as connection:
            connection.execute("LOCK TABLE waybills_waybill, waybills_lane IN SHARE MODE")
            yield
        return
    import sqlite3

    connection = sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.close()


class Repeated(threading.Thread):
    """Sends again and again until it is told to stop; keeps (status, seconds, answer) of each."""

    def __init__(self, send: Callable[[int], requests.Response], pause: float = 0.0) -> None:
        super().__init__()
        self._send, self._pause = send, pause
        self._stop_it = threading.Event()
        self.answers: list[tuple[int, float, requests.Response]] = []

    def run(self) -> None:
        turn = 0
        while not self._stop_it.wait(self._pause):
            started = time.monotonic()
            answer = self._send(turn)
            self.answers.append((answer.status_code, time.monotonic() - started, answer))
            turn += 1

    def end(self) -> None:
        self._stop_it.set()
        self.join(60)
        assert not self.is_alive()

    @property
    def statuses(self) -> set[int]:
        return {status for status, _, _ in self.answers}

    @property
    def slowest(self) -> float:
        return max(seconds for _, seconds, _ in self.answers)


@contextmanager
def at_work(*threads: Repeated) -> Iterator[None]:
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for thread in threads:
            thread.end()


def poster(server: Server, session: requests.Session, name: str, size: int) -> Callable[[int], requests.Response]:
    return lambda turn: session.post(f"{server.url}/api/v1/paths/", json=events(name, turn, size), timeout=60)


def getter(server: Server, session: requests.Session, address: str) -> Callable[[int], requests.Response]:
    return lambda turn: session.get(f"{server.url}{address}", timeout=60)


def test_a_locked_database_costs_the_senders_a_503_and_the_others_nothing(server: Server, database_url: str) -> None:
    account = server.sender("oms")
    tokens = dict(account.headers)
    sessions = [server.client() for _ in range(6)]
    for session in sessions:
        session.headers.update(tokens)
    senders = [Repeated(poster(server, session, f"S{n}", 50), 0.02) for n, session in enumerate(sessions)]
    others = [
        Repeated(getter(server, server.client(), "/healthz"), 0.1),
        Repeated(getter(server, server.client(), "/wechat/callback/"), 0.1),
        Repeated(getter(server, account, "/api/v1/cells/"), 0.1),
    ]

    with locked(database_url), at_work(*senders, *others):
        time.sleep(LOCK_WAIT + 3)
    after = account.post(f"{server.url}/api/v1/paths/", json=events("after", 0, 1), timeout=60)

    refused = [answer for sender in senders for _, _, answer in sender.answers if answer.status_code == 503]
    assert {answer.json()["code"] for answer in refused} == {"busy", "unavailable"}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)
    assert max(sender.slowest for sender in senders) < LOCK_WAIT + 5
    assert [other.statuses for other in others] == [{200}, {403}, {200}]
    assert max(other.slowest for other in others) < 2
    assert after.json()["paths"] == {"created": 0, "duplicates": 0, "waiting": 1}


def test_eight_senders_of_one_account_do_not_starve_another(server: Server) -> None:
    first, second = server.sender("first"), server.sender("second")
    crowd = []
    for number in range(8):
        session = server.client()
        session.headers.update(first.headers)
        crowd.append(Repeated(poster(server, session, f"A{number}", 1000)))
    small = Repeated(poster(server, second, "B", 10), 0.02)

    with at_work(small):
        eventually(lambda: len(small.answers) > 1)
        before = len(small.answers)
        with at_work(*crowd):
            time.sleep(6)

    taken = [seconds for thread in crowd for status, seconds, _ in thread.answers if status == 200]
    refused = [answer for thread in crowd for status, _, answer in thread.answers if status != 200]
    assert len(taken) > 5
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(503, "busy")}
    assert small.statuses == {200}
    beside = sorted(seconds for _, seconds, _ in small.answers[before:])
    assert beside[len(beside) * 99 // 100] < 2
