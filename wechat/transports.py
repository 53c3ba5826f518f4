"""The one place with a socket: `requests` for single calls, `aiohttp` for batches.

Neither opens one inside a database transaction: WeChat queries back while `pathnotify` is in flight, and a path that
is not committed, or a row that is locked, would turn into 93200x.
"""

import asyncio
import time
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp
import requests
from yarl import URL

from wechat.client import LONGEST_ANSWER, Raw, path_of
from wechat.network import NetworkInTransaction, refuse_inside_transaction

T = TypeVar("T")

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 20.0
"""Seconds. Longer than WeChat gives the callback (5 s, three times), since the back-query runs inside the call."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, and between two pieces of an answer; a call as a whole gets both together."""

    connect: float = CONNECT_TIMEOUT
    read: float = READ_TIMEOUT


USUAL = Timeouts()
_HEADERS = {"Content-Type": "application/json; charset=utf-8"}


def post(base: str, call: str, body: str, *, token: str = "", timeouts: Timeouts = USUAL) -> Raw:
    """Return what came back of a single call. body: JSON text. token: of the URL, kept out of every message."""
    refuse_inside_transaction()
    until = time.monotonic() + timeouts.connect + timeouts.read
    try:
        with requests.post(
            base + path_of(call),
            params={"access_token": token} if token else None,
            data=body.encode(),
            headers=_HEADERS,
            timeout=(timeouts.connect, timeouts.read),
            allow_redirects=False,
            stream=True,
        ) as response:
            content = _first_bytes(response.iter_content(1), until=until)
            headers = response.headers
            return Raw(response.status_code, content, headers.get("Retry-After", ""), date=headers.get("Date", ""))
    except (requests.exceptions.ConnectTimeout, requests.exceptions.SSLError) as error:
        return Raw(note=type(error).__name__, was_sent=False)
    except requests.exceptions.ConnectionError as error:
        was_sent = "NewConnectionError" not in repr(error) and "NameResolutionError" not in repr(error)
        return Raw(note=type(error).__name__, was_sent=was_sent)
    except (requests.exceptions.RequestException, OSError) as error:
        return Raw(note=type(error).__name__)


def _first_bytes(chunks: Iterable[bytes], *, until: float) -> bytes:
    """Return a body's first bytes: an endless one ends here, one that only trickles raises ReadTimeout.

    chunks: of one byte, since a larger one is waited for, however slowly it comes.
    """
    found = bytearray()
    for chunk in chunks:
        found += chunk
        if len(found) >= LONGEST_ANSWER:
            break
        if time.monotonic() > until:
            raise requests.exceptions.ReadTimeout
    return bytes(found[:LONGEST_ANSWER])


def run(calls: Coroutine[Any, Any, T]) -> T:
    """Run the event loop that makes many calls; refuse to inside a transaction.

    Asked here, once: code inside a loop has a connection of its own and cannot see its caller's.
    """
    try:
        refuse_inside_transaction()
    except NetworkInTransaction:
        calls.close()
        raise
    return asyncio.run(calls)


class AsyncTransport:
    """One session for many calls at once: connections are reused, bodies are cut, redirects are not followed."""

    def __init__(self, base: str, *, connections: int, timeouts: Timeouts = USUAL) -> None:
        self._base = base
        self._timeouts = timeouts
        self._connections = connections
        self._session: aiohttp.ClientSession
        self._token = ""
        self._urls: dict[str, URL] = {}

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(
            total=self._timeouts.connect + self._timeouts.read,
            sock_connect=self._timeouts.connect,
            sock_read=self._timeouts.read,
        )
        connector = aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=10)
        self._session = aiohttp.ClientSession(
            connector=connector, timeout=timeout, headers=_HEADERS, cookie_jar=aiohttp.DummyCookieJar()
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    def _url(self, call: str, token: str) -> URL:
        """Return where a call goes; built once a token, since building it costs as much as reading the answer."""
        if token != self._token:
            self._token, self._urls = token, {}
        if call not in self._urls:
            self._urls[call] = URL(self._base + path_of(call)).with_query(access_token=token)
        return self._urls[call]

    async def post(self, call: str, body: str, *, token: str) -> Raw:
        """Return what came back of one call; never raises for what the network does."""
        try:
            async with self._session.post(
                self._url(call, token),
                data=aiohttp.BytesPayload(body.encode()),
                allow_redirects=False,
            ) as response:
                content = await _read(response.content)
                headers = response.headers
                return Raw(response.status, content, headers.get("Retry-After", ""), date=headers.get("Date", ""))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return Raw(note=type(error).__name__, was_sent=False)
        except (aiohttp.ClientError, TimeoutError, asyncio.IncompleteReadError, ValueError) as error:
            return Raw(note=type(error).__name__)


async def _read(stream: aiohttp.StreamReader) -> bytes:
    """Return the body's first bytes: an endless one ends here."""
    chunks: list[bytes] = []
    missing = LONGEST_ANSWER
    while missing > 0 and (chunk := await stream.read(missing)):
        chunks.append(chunk)
        missing -= len(chunk)
    return b"".join(chunks)
