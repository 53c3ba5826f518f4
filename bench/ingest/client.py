"""Four senders that post bodies made beforehand, each as soon as its last one is answered."""

import http.client
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import orjson

SENDERS = 4
TIMEOUT = 120.0


@dataclass
class Posted:
    """What was answered, and in how long."""

    seconds: float = 0.0
    answers: list[bytes] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    @property
    def events(self) -> int:
        """Return how many events the portal says it stored."""
        return sum(orjson.loads(answer)["paths"]["created"] for answer in self.answers)


def bodies(batches: Sequence[object]) -> list[bytes]:
    return [orjson.dumps(batch) for batch in batches]


def post(port: int, path: str, token: str, bodies: Sequence[bytes], seconds: float = TIMEOUT) -> Posted:
    """Post each body once, or those that fit into so many seconds; end the benchmark where one is refused.

    A batch comes over a connection of its own: which web process takes it is decided anew each time.
    """
    posted, waiting = Posted(), iter(bodies)
    lock, until = threading.Lock(), time.monotonic() + seconds
    senders = [
        threading.Thread(target=_send, args=(port, path, token, waiting, lock, until, posted)) for _ in range(SENDERS)
    ]
    began = time.perf_counter()
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    posted.seconds = time.perf_counter() - began
    if posted.refusals or not posted.answers:
        raise SystemExit(f"{path}: {len(posted.refusals)} refused {posted.refusals[:1]}: this is no measurement")
    return posted


def _send(
    port: int, path: str, token: str, waiting: Iterator[bytes], lock: threading.Lock, until: float, posted: Posted
) -> None:
    headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    while time.monotonic() < until:
        with lock:
            body = next(waiting, None)
        if body is None:
            break
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        answer = response.read()
        if response.status == 200:
            posted.answers.append(answer)
        else:
            posted.refusals.append(f"{response.status} {answer[:300]!r}")
        connection.close()
    connection.close()
