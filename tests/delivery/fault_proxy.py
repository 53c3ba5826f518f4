"""A proxy that breaks HTTP calls on purpose, between a client and a far side, both on 127.0.0.1."""

import asyncio
import re
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

_ABORTIVE = struct.pack("ii", 1, 0)
"""SO_LINGER on, for no time at all: closing sends RST instead of FIN."""
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Fault:
    """What goes wrong with each call. Without any field set, nothing does."""

    name: str
    refuses: bool = False
    request_bytes: int | None = None
    """Reset once so many bytes of the request's body have come; none of them goes on."""
    answer_bytes: int | None = None
    """So many bytes of the answer go back (negative: all but so many), then the connection ends."""
    resets: bool = True
    """It ends with a reset; otherwise as if all had been said."""
    is_silent: bool = False
    """The answer never goes back, the connection stays open."""
    delay: float = 0.0
    trickle: float = 0.0
    """Seconds between two pieces of the answer."""


FAULTS = {
    fault.name: fault
    for fault in (
        Fault("none"),
        Fault("refuse", refuses=True),
        Fault("reset before the body", request_bytes=0),
        Fault("reset within the body", request_bytes=20),
        Fault("reset before the answer", answer_bytes=0),
        Fault("reset within the answer", answer_bytes=150),
        Fault("cut off", answer_bytes=-5, resets=False),
        Fault("black hole", is_silent=True),
        Fault("delay", delay=0.3),
        Fault("trickle", trickle=0.01),
    )
}


class FaultProxy:
    """Forwards call by call to `upstream`, and breaks each as its fault says."""

    def __init__(self, upstream: str, fault: Fault) -> None:
        parts = urlsplit(upstream)
        self._host, self._port = parts.hostname, parts.port
        self._fault = fault

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client's connection to its end."""
        try:
            while await self._exchange(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Carry one call; return whether another may follow on this connection."""
        fault = self._fault
        head = await reader.readuntil(b"\r\n\r\n")
        if fault.request_bytes is not None:
            await reader.readexactly(fault.request_bytes)
            return _reset(writer)
        answer = await self._ask(head + await reader.readexactly(_length(head)))
        if fault.is_silent:
            await reader.read()
            return False
        await asyncio.sleep(fault.delay)
        if fault.answer_bytes is not None:
            writer.write(answer[: fault.answer_bytes])
            await writer.drain()
            return _reset(writer) if fault.resets else False
        await self._answer(writer, answer)
        return True

    async def _ask(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        with closing(writer):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            return head + await reader.readexactly(_length(head))

    async def _answer(self, writer: asyncio.StreamWriter, answer: bytes) -> None:
        size = 40 if self._fault.trickle else len(answer)
        for start in range(0, len(answer), size):
            writer.write(answer[start : start + size])
            await writer.drain()
            await asyncio.sleep(self._fault.trickle)


def _length(head: bytes) -> int:
    found = _LENGTH.search(head)
    return int(found[1]) if found else 0


def _reset(writer: asyncio.StreamWriter) -> bool:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORTIVE)
    writer.transport.abort()
    return False


@contextmanager
def fault_proxy(upstream: str, fault: Fault) -> Iterator[str]:
    """Yield the address of a proxy to `upstream` that breaks calls as `fault` says."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        if fault.refuses:
            # Bound and not listening: nobody else takes the port, and every connection is refused.
            yield address
            return
        with _serving(listening, FaultProxy(upstream, fault).serve):
            yield address


@contextmanager
def _serving(
    listening: socket.socket, serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
) -> Iterator[None]:
    loop, ready = asyncio.new_event_loop(), threading.Event()

    async def run(stop: asyncio.Event) -> None:
        server = await asyncio.start_server(serve, sock=listening, backlog=1024)
        ready.set()
        await stop.wait()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    stop = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(run(stop)))
    thread.start()
    ready.wait()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
