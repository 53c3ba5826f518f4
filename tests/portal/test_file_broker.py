"""The file broker: several processes may write and read it at once."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from kombu import Connection, Exchange, Queue

from portal import file_broker
from tests.portal.conftest import ROOT

_MESSAGES, _SENDERS, _READERS = 150, 2, 3
_OPEN = """
import sys
from kombu import Connection, Exchange, Queue
from portal import file_broker
file_broker.register()
folder, name = sys.argv[1:]
connection = Connection("filesystem://", transport_options={"data_folder_in": folder, "data_folder_out": folder})
queue = Queue("work", Exchange("work"), routing_key="work")
"""
_SEND = (
    _OPEN
    + f"""
producer = connection.Producer()
for number in range({_MESSAGES}):
    producer.publish([name, number], routing_key="work", exchange=queue.exchange, declare=[queue])
"""
)
_READ = (
    _OPEN
    + """
import time
from queue import Empty
simple, until = connection.SimpleQueue(queue), time.monotonic() + 20
while time.monotonic() < until:
    try:
        message = simple.get(timeout=0.5)
    except Empty:
        continue
    if message.payload[0] == "end":
        break
    print(*message.payload, flush=True)
    message.ack()
"""
)


def start(script: str, folder: Path, name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, str(folder), name],
        cwd=ROOT,
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        text=True,
    )


def opened(folder: Path) -> tuple[Connection, Queue]:
    file_broker.register()
    connection = Connection(
        "filesystem://", transport_options={"data_folder_in": str(folder), "data_folder_out": str(folder)}
    )
    return connection, Queue("work", Exchange("work"), routing_key="work")


def test_every_message_arrives_once_at_one_of_many_readers(tmp_path: Path) -> None:
    readers = [start(_READ, tmp_path, str(number)) for number in range(_READERS)]
    senders = [start(_SEND, tmp_path, str(number)) for number in range(_SENDERS)]
    for sender in senders:
        sender.communicate(timeout=60)
    assert [sender.returncode for sender in senders] == [0] * _SENDERS

    connection, queue = opened(tmp_path)
    with connection:
        for _ in readers:
            connection.Producer().publish(["end"], routing_key="work", exchange=queue.exchange, declare=[queue])
    arrived = Counter(line for reader in readers for line in reader.communicate(timeout=60)[0].splitlines())

    assert [reader.returncode for reader in readers] == [0] * _READERS
    assert arrived == {f"{sender} {number}": 1 for sender in range(_SENDERS) for number in range(_MESSAGES)}


def test_an_unfinished_message_is_not_read(tmp_path: Path) -> None:
    connection, queue = opened(tmp_path)
    (tmp_path / "1_2.part").write_text("{")

    with connection:
        message = queue.bind(connection.channel())
        message.declare()

        assert message.get() is None


def test_a_message_to_an_exchange_without_a_queue_is_dropped(tmp_path: Path) -> None:
    connection, _ = opened(tmp_path)

    with connection:
        connection.Producer().publish(["event"], exchange=Exchange("celeryev"), routing_key="worker.heartbeat")

    assert list(tmp_path.iterdir()) == []


def test_a_signal_that_nobody_reads_is_one_file_and_the_newest(tmp_path: Path) -> None:
    connection, queue = opened(tmp_path)
    with connection:
        producer = connection.Producer()
        for number in range(20):
            where = {"routing_key": "work", "exchange": queue.exchange, "declare": [queue]}
            producer.publish([f"job {number}"], **where)
            producer.publish([f"ring {number}"], headers={file_broker.SIGNAL: "ring"}, **where)
        assert len(list(tmp_path.iterdir())) == 21

        bound = queue.bind(connection.channel())
        read = [bound.get(no_ack=True) for _ in range(21)]

    assert [message.payload for message in read] == [["ring 19"], *([f"job {number}"] for number in range(20))]
    assert list(tmp_path.iterdir()) == []
