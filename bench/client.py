"""A load client of its own process: keep-alive connections, requests prepared beforehand, answers checked.

python -m bench.client PORT CONNECTIONS SECONDS FILE prints {"answers", "seconds", "p50", "p99", "wrong"} as JSON.
"""

import asyncio
import gc
import json
import pickle
import sys
import time

OK = b"HTTP/1.1 200"


class Connection(asyncio.Protocol):
    """Sends the next request as soon as the last is answered."""

    def __init__(self, load: "Load") -> None:
        self.load = load
        self.buffer = b""

    def connection_made(self, transport) -> None:
        self.transport = transport
        self.send()

    def send(self) -> None:
        self.began = time.perf_counter()
        self.transport.write(self.load.next_request())

    def data_received(self, data: bytes) -> None:
        self.buffer = self.buffer + data if self.buffer else data
        if not self._is_whole():
            return
        self.load.took(time.perf_counter() - self.began, self.buffer.startswith(OK))
        self.buffer = b""
        if self.load.is_over():
            self.transport.close()
        else:
            self.send()

    def _is_whole(self) -> bool:
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = self.buffer[:end].lower()
        place = head.find(b"content-length:")
        if place < 0:
            return self.buffer.endswith(b"0\r\n\r\n")
        length = int(head[place + 15 :].split(b"\r\n", 1)[0])
        return len(self.buffer) >= end + 4 + length

    def connection_lost(self, error) -> None:
        self.load.lost(self)


class Load:
    """What one run shares among its connections."""

    def __init__(self, requests: list[bytes], seconds: float) -> None:
        self.requests, self.place = requests, 0
        self.times: list[float] = []
        self.wrong = 0
        self.open = 0
        self.done = asyncio.get_running_loop().create_future()
        self.began = time.perf_counter()
        self.until = self.began + seconds

    def next_request(self) -> bytes:
        self.place += 1
        return self.requests[self.place % len(self.requests)]

    def took(self, seconds: float, is_right: bool) -> None:
        self.times.append(seconds)
        self.wrong += not is_right

    def is_over(self) -> bool:
        return time.perf_counter() >= self.until

    def lost(self, connection: Connection) -> None:
        self.open -= 1
        if not self.is_over():
            self.wrong += 1
        if not self.open and not self.done.done():
            self.done.set_result(None)


async def run(port: int, connections: int, seconds: float, requests: list[bytes]) -> dict[str, float]:
    load = Load(requests, seconds)
    load.open = connections
    loop = asyncio.get_running_loop()
    for _ in range(connections):
        await loop.create_connection(lambda: Connection(load), "127.0.0.1", port)
    await asyncio.wait_for(load.done, seconds + 30)
    times = sorted(load.times)
    return {
        "answers": len(times),
        "seconds": time.perf_counter() - load.began,
        "p50": times[len(times) // 2] * 1000,
        "p99": times[len(times) * 99 // 100] * 1000,
        "wrong": load.wrong,
    }


if __name__ == "__main__":
    port, connections, seconds, file = sys.argv[1:]
    with open(file, "rb") as prepared:
        requests = pickle.load(prepared)
    gc.disable()
    print(json.dumps(asyncio.run(run(int(port), int(connections), float(seconds), requests))))
