"""WeChat's side, cheap on the processor: one asyncio.Protocol that answers all after 50 ms, and asks back where told.

python -m bench.sender.far_side [CALLBACK_PORT]

Prints its port as JSON. With a callback's port each pathnotify brings one back-query in safe mode, written beforehand,
within the same 50 ms of the network; its answer decides the pathnotify's. Each line on standard input is answered with
{"calls", "asked", "refused", "p50", "p99"} since the last one.
"""

import asyncio
import gc
import json
import sys
import threading
import time
from collections import deque

from bench.callback import prepare
from bench.world import WAYBILLS, waybill_no

LATENCY = 0.05
CALLBACK_FAILED = 932001
_TOKEN = b'{"access_token":"bench-token","expires_in":7200}'
_NUMBER_PLACE, _NUMBER_LENGTH = b'"waybill_id":"', len(waybill_no(0))


def whole(content: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        len(content),
        content,
    )


BOUND = whole(b'{"errcode":0,"errmsg":"ok","exist":1}')
NO_CALLBACK = whole(b'{"errcode":%d,"errmsg":"callback failed"}' % CALLBACK_FAILED)
TOKEN = whole(_TOKEN)


def end_of(buffer: bytes) -> int:
    """Return the length of the message at the buffer's start; 0 where it is not whole."""
    head = buffer.find(b"\r\n\r\n")
    if head < 0:
        return 0
    place = buffer.lower().find(b"content-length:", 0, head)
    length = int(buffer[place + 15 : buffer.find(b"\r", place)]) if place >= 0 else 0
    end = head + 4 + length
    return end if len(buffer) >= end else 0


class FarSide:
    """What the connections share: one timer for all answers, and the connections back."""

    def __init__(self, callback_port: int) -> None:
        self.loop = asyncio.get_running_loop()
        self.callback_port = callback_port
        self.queries = by_number() if callback_port else {}
        self.waiting: deque[tuple[float, asyncio.Transport, bytes]] = deque()
        self.free: list[BackQuery] = []
        self.forget()

    def forget(self) -> None:
        self.calls = self.refused = 0
        self.times: list[float] = []

    def report(self) -> dict[str, float]:
        times = sorted(self.times) or [0.0]
        result = {"calls": self.calls, "asked": len(self.times), "refused": self.refused}
        result |= {"p50": times[len(times) // 2] * 1000, "p99": times[len(times) * 99 // 100] * 1000}
        self.forget()
        return result

    def received(self, message: bytes, transport: asyncio.Transport) -> None:
        if b"stable_token" in message[:64]:
            self.answer(transport, TOKEN)
            return
        self.calls += 1
        if self.queries and b"pathnotify" in message[:64]:
            place = message.find(_NUMBER_PLACE) + len(_NUMBER_PLACE)
            query = self.queries[message[place : place + _NUMBER_LENGTH]]
            self.loop.call_later(LATENCY / 2, self.ask, query, transport)
        else:
            self.answer(transport, BOUND, LATENCY)

    def answer(self, transport: asyncio.Transport, content: bytes, after: float = 0) -> None:
        """Answer after a while: the same for all, so that they leave in the order of the queue."""
        if not after:
            transport.write(content)
            return
        self.waiting.append((self.loop.time() + after, transport, content))
        if len(self.waiting) == 1:
            self.loop.call_later(after, self.leave)

    def leave(self) -> None:
        now = self.loop.time()
        while self.waiting and self.waiting[0][0] <= now:
            _, transport, content = self.waiting.popleft()
            if not transport.is_closing():
                transport.write(content)
        if self.waiting:
            self.loop.call_at(max(self.waiting[0][0], now + 0.001), self.leave)

    def ask(self, query: bytes, transport: asyncio.Transport) -> None:
        if self.free:
            self.free.pop().ask(query, transport)
        else:
            connecting = self.loop.create_task(self.connect(query, transport))
            connecting.add_done_callback(lambda task: task.exception() and self.asked(transport, None, 0))

    async def connect(self, query: bytes, transport: asyncio.Transport) -> None:
        _, protocol = await self.loop.create_connection(lambda: BackQuery(self), "127.0.0.1", self.callback_port)
        protocol.ask(query, transport)

    def asked(self, transport: asyncio.Transport, answer: bytes | None, seconds: float) -> None:
        is_well = answer is not None and answer.startswith(b"HTTP/1.1 200") and b"<Encrypt>" in answer
        self.times.append(seconds)
        self.refused += not is_well
        self.answer(transport, BOUND if is_well else NO_CALLBACK, LATENCY / 2)


class Call(asyncio.Protocol):
    """A connection of the sender's."""

    def __init__(self, far_side: FarSide) -> None:
        self.far_side = far_side
        self.buffer = b""

    def connection_made(self, transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer = self.buffer + data if self.buffer else data
        while end := end_of(self.buffer):
            message, self.buffer = self.buffer[:end], self.buffer[end:]
            self.far_side.received(message, self.transport)


class BackQuery(asyncio.Protocol):
    """A connection to the callback: one back-query at a time, kept for the next."""

    def __init__(self, far_side: FarSide) -> None:
        self.far_side = far_side
        self.buffer = b""
        self.caller = None

    def connection_made(self, transport) -> None:
        self.transport = transport

    def ask(self, query: bytes, caller: asyncio.Transport) -> None:
        self.caller, self.began = caller, time.perf_counter()
        self.transport.write(query)

    def data_received(self, data: bytes) -> None:
        self.buffer = self.buffer + data if self.buffer else data
        if end_of(self.buffer):
            self.done(self.buffer)
            self.far_side.free.append(self)

    def done(self, answer: bytes | None) -> None:
        self.buffer = b""
        if self.caller is not None:
            caller, self.caller = self.caller, None
            self.far_side.asked(caller, answer, time.perf_counter() - self.began)

    def connection_lost(self, error) -> None:
        if self in self.far_side.free:
            self.far_side.free.remove(self)
        self.done(None)


def by_number() -> dict[bytes, bytes]:
    """Return a back-query of each waybill."""
    numbers = range(WAYBILLS)
    return {waybill_no(number).encode(): query for number, query in zip(numbers, prepare(numbers, 1), strict=True)}


async def main(callback_port: int) -> None:
    loop = asyncio.get_running_loop()
    far_side = FarSide(callback_port)
    server = await loop.create_server(lambda: Call(far_side), "127.0.0.1", 0, backlog=1024)
    over = loop.create_future()

    def say(**what: float) -> None:
        print(json.dumps(what), flush=True)

    def listen() -> None:
        for _ in sys.stdin:
            loop.call_soon_threadsafe(lambda: say(**far_side.report()))
        loop.call_soon_threadsafe(over.set_result, None)

    gc.freeze()
    gc.disable()
    say(port=server.sockets[0].getsockname()[1])
    threading.Thread(target=listen, daemon=True).start()
    await over


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
