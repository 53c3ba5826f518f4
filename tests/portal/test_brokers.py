"""Doorbells over each broker: quick where it rings, harmless where it does not, and silent about persons."""

import base64
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from django.conf import settings as own_settings
from kombu import Connection
from redis import Redis

from portal.celery import PUSH_QUEUE, WORK_QUEUE, app
from tests.live import eventually, free_port
from tests.portal.conftest import Processes, run
from tests.portal.running import Running, served

pytestmark = pytest.mark.processes

_TESTED = own_settings.CELERY_BROKER_URL
BROKERS = {
    name: url
    for name, url in (
        ("files", _TESTED if _TESTED.startswith("filesystem") else ""),
        ("rabbitmq", _TESTED if _TESTED.startswith("amqp") else ""),
        ("redis", os.environ.get("TEST_REDIS_URL", "")),
    )
    if url
}
"""What this run of the suite is for."""
NEVER = "600"
"""Of PUSH_POLL: seconds in which only a doorbell wakes a sender."""


@pytest.fixture(params=BROKERS)
def broker(request: Any, production: dict[str, str]) -> Iterator[str]:
    """Return a broker's address; its two queues are empty before and after."""
    url = production["CELERY_BROKER_URL"] if request.param == "files" else BROKERS[request.param]
    production["CELERY_BROKER_URL"] = url
    assert run(production, "manage.py", "migrate", "-v0").returncode == 0
    declare(url)
    purge(production)
    yield url
    purge(production)


def declare(url: str) -> None:
    """Make both queues where a broker has to be told of them before anybody reads them."""
    if url.startswith("amqp"):
        with Connection(url) as connection:
            for queue in app.conf.task_queues:
                queue(connection.default_channel).declare()


def purge(environment: dict[str, str]) -> int:
    """Empty both queues; return how many messages were in them."""
    done = run(environment, "-m", "celery", "-A", "portal", "purge", "-f", "-Q", f"{PUSH_QUEUE},{WORK_QUEUE}")
    assert done.returncode == 0, done.stderr
    return int(next((word for word in done.stdout.split() if word.isdigit()), "0"))


@pytest.fixture
def web(production: dict[str, str], broker: str, processes: Processes) -> Iterator[Running]:
    """Return a portal with its far side and without a worker."""
    with served(production, processes, "web") as portal:
        yield portal


def start_worker(processes: Processes, environment: dict[str, str], *words: str) -> None:
    """Start a worker; return when its sender looks for work."""
    number = processes.count
    processes.start(environment, "-m", "celery", "-A", "portal", "worker", *words)
    eventually(lambda: "sending from this process" in processes.output(number))


def is_sent(portal: Running, no: str) -> bool:
    return bool(portal.pushes(no)[0]["state"] == "sent")


def test_only_the_doorbell_sends_a_new_event_within_a_second(web: Running, processes: Processes) -> None:
    start_worker(processes, {**web.environment, "PUSH_POLL": NEVER}, "-Q", PUSH_QUEUE)
    eventually(lambda: "ready." in processes.output(processes.count - 1))
    numbers = ("FIRST", "SECOND", "THIRD")

    for no in numbers:
        web.post(no)
        eventually(lambda no=no: is_sent(web, no))

    # The best of three: this machine may be busy with something else.
    assert min(web.latency(no) for no in numbers) < 1


def test_the_sweep_finds_what_no_doorbell_rang_for(web: Running, processes: Processes) -> None:
    start_worker(processes, {**web.environment, "PUSH_POLL": NEVER}, "--beat")
    # Of a web process whose own way to the broker is cut: each doorbell of it is lost.
    cut = {**web.environment, "CELERY_BROKER_URL": f"amqp://127.0.0.1:{free_port()}//", "PORT": str(free_port())}
    with requests.Session() as session:
        silent = Running(cut, processes.start(cut, "manage.py", "serve", "web"), session)
        eventually(silent.is_ready)
        session.headers.update(web.session.headers)

        silent.post("SILENT")

    eventually(lambda: is_sent(web, "SILENT"), within=15)


def test_what_was_posted_before_the_broker_was_emptied_is_found(web: Running, processes: Processes) -> None:
    web.post("EMPTIED")
    eventually(lambda: purge(web.environment))

    start_worker(processes, web.environment, "--beat")

    eventually(lambda: is_sent(web, "EMPTIED"), within=15)


@pytest.mark.parametrize("scheme", ["amqp", "redis"])
def test_without_a_broker_all_that_is_due_is_found(
    production: dict[str, str], processes: Processes, scheme: str
) -> None:
    production["CELERY_BROKER_URL"] = f"{scheme}://127.0.0.1:{free_port()}/"
    with served(production, processes) as portal:
        portal.post("ALONE")

        eventually(lambda: is_sent(portal, "ALONE"), within=15)
    asked = time.monotonic()
    portal.supervisor.terminate()
    assert portal.supervisor.wait(30) == 0
    assert time.monotonic() - asked < 15


def read(url: str, queue: str) -> list[dict[str, Any]]:
    """Return what the broker itself holds of a queue: each message as its headers, properties and body."""
    if url.startswith("redis"):
        with Redis.from_url(url) as client:
            return [json.loads(raw) for raw in client.lrange(queue, 0, -1)]
    if url.startswith("filesystem"):
        folder = Path(url.removeprefix("filesystem://")) / "messages"
        names = [name for name in os.listdir(folder) if name.endswith(f".{queue}.msg")]
        return [json.loads((folder / name).read_text()) for name in names]
    with Connection(url) as connection:
        found = []
        while (message := connection.default_channel.basic_get(queue, no_ack=True)) is not None:
            body = message.body.encode() if isinstance(message.body, str) else bytes(message.body)
            found.append(
                {
                    "headers": message.headers,
                    "properties": {name: str(value) for name, value in message.properties.items()},
                    "body": base64.b64encode(body).decode(),
                }
            )
        return found


def test_a_message_says_no_more_than_its_task(web: Running, broker: str, processes: Processes) -> None:
    processes.start(web.environment, "-m", "celery", "-A", "portal", "beat", "--pidfile=")

    web.post("SECRET0001")

    rings = eventually(lambda: read(broker, PUSH_QUEUE))
    sweeps = eventually(lambda: read(broker, WORK_QUEUE))
    for task, messages in (("portal.celery.ring", rings), ("portal.celery.sweep", sweeps)):
        for message in messages:
            assert message["headers"]["task"] == task
            assert (message["headers"]["argsrepr"], message["headers"]["kwargsrepr"]) == ("()", "{}")
            body = base64.b64decode(message["body"])
            assert json.loads(body)[:2] == [[], {}]
            told = body.decode() + json.dumps(message, ensure_ascii=False)
            for secret in ("SECRET0001", "13800138000", "李四", "派送中"):
                assert secret not in told
                assert secret not in told.encode().decode("unicode_escape")


def test_no_result_of_a_task_is_kept_anywhere() -> None:
    assert app.conf.result_backend is None
    assert type(app.backend).__name__ == "DisabledBackend"
    assert {name: task.ignore_result for name, task in app.tasks.items() if name.startswith("portal.")} == {
        "portal.celery.ring": True,
        "portal.celery.sweep": True,
        "portal.celery.work_on_imports": True,
    }
