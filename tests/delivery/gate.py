"""A gate before the far side: it lets calls through, holds them before the far side, or takes no connection at all.

Each call comes on a connection of its own, so that a shut gate is met before the first byte of the next call.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from select import select
from urllib.parse import urlsplit

_QUEUE = 512
_LOOK_EVERY = 0.02
_PATIENCE = 60.0
"""Seconds that a call may be held or take."""
_FULL_AFTER = 0.2
"""Seconds without an answer after which the queue of connections counts as full."""


class Gate:
    """Forwards call by call to `upstream`. `base`: where it listens."""

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self._upstream = (parts.hostname or "", parts.port or 80)
        self._listening = socket.socket()
        self._listening.bind(("127.0.0.1", 0))
        self._listening.listen(_QUEUE)
        self._address = self._listening.getsockname()
        self.base = f"http://127.0.0.1:{self._address[1]}"
        self._is_open, self._lets_pass, self._is_over = threading.Event(), threading.Event(), threading.Event()
        self._is_open.set()
        self._lets_pass.set()
        self.received: list[bytes] = []
        self.answered: list[bytes] = []
        """The calls that came whole, and those whose answer went back whole."""

    @contextmanager
    def shut(self) -> Iterator[None]:
        """Take no connection: whoever calls waits for one, and no byte of the call leaves."""
        self._is_open.clear()
        self._listening.listen(0)
        threading.Event().wait(_LOOK_EVERY * 2)
        fillers = self._fill()
        try:
            yield
        finally:
            for filler in fillers:
                filler.close()
            self._listening.listen(_QUEUE)
            self._is_open.set()

    def _fill(self) -> list[socket.socket]:
        """Return the connections that fill the queue: the system lets nobody else connect."""
        fillers = []
        while True:
            filler = socket.socket()
            filler.settimeout(_FULL_AFTER)
            fillers.append(filler)
            try:
                filler.connect(self._address)
            except TimeoutError:
                return fillers

    def hold(self) -> None:
        """Keep the calls that come from here on; the far side hears nothing of them."""
        self._lets_pass.clear()

    def let_pass(self) -> None:
        """Let through what is held and what comes."""
        self._lets_pass.set()

    def serve(self) -> None:
        """Serve until `end`."""
        with self._listening:
            self._serve()

    def _serve(self) -> None:
        while not self._is_over.is_set():
            if self._is_open.wait(_LOOK_EVERY) and select([self._listening], [], [], _LOOK_EVERY)[0]:
                connection, _ = self._listening.accept()
                threading.Thread(target=self._carry, args=[connection], daemon=True).start()

    def end(self) -> None:
        """Stop serving."""
        self._is_over.set()
        self._lets_pass.set()
        self._is_open.set()

    def _carry(self, client: socket.socket) -> None:
        # Either side may be gone by now: that is what the gate is for.
        with client, suppress(OSError, _Gone):
            client.settimeout(_PATIENCE)
            request = _read(client)
            self.received.append(request)
            self._lets_pass.wait(_PATIENCE)
            with socket.create_connection(self._upstream, timeout=_PATIENCE) as far:
                far.sendall(request)
                head, _, body = _read(far).partition(b"\r\n\r\n")
            client.sendall(head + b"\r\nConnection: close\r\n\r\n" + body)
            self.answered.append(request)


class _Gone(Exception):
    """The other side has ended the connection."""


def _read(connection: socket.socket) -> bytes:
    """Return one message of HTTP, whose length its head tells."""
    message = b""
    while b"\r\n\r\n" not in message or len(message) < _whole(message):
        part = connection.recv(65536)
        if not part:
            raise _Gone
        message += part
    return message


def _whole(message: bytes) -> int:
    head, _, _ = message.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:])
    return len(head) + 4 + int(fields.get(b"content-length", 0))


@contextmanager
def gate_to(upstream: str) -> Iterator[Gate]:
    """Yield an open gate to `upstream`."""
    gate = Gate(upstream)
    serving = threading.Thread(target=gate.serve)
    serving.start()
    try:
        yield gate
    finally:
        gate.end()
        serving.join()
