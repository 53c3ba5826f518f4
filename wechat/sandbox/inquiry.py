"""The back-query itself: asks the carrier's callback over HTTP, as WeChat does while `pathnotify` waits.

Source: message-push.md, "Timing and retries": 5 seconds for an answer, three times in all.
"""

import asyncio
import time

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

from wechat.sandbox.comparison import agreed_trail
from wechat.sandbox.config import SandboxConfig
from wechat.sandbox.errors import BACK_QUERY_FAILED, ApiError
from wechat.sandbox.ledger import Entry
from wechat.sandbox.validation import Node, PathNotify
from wechat.sandbox.wire import Posted, ReplyUnreadable, back_query, read_reply

TRIES = 3
_CONNECTIONS = 500


def open_session(config: SandboxConfig) -> ClientSession:
    """Return the session that all back-queries share; the caller closes it."""
    return ClientSession(
        connector=TCPConnector(limit=_CONNECTIONS),
        timeout=ClientTimeout(total=config.back_query_timeout),
        cookie_jar=DummyCookieJar(),
    )


class Inquirer:
    """Asks the callback about pushes."""

    def __init__(self, config: SandboxConfig, session: ClientSession) -> None:
        self._config = config
        self._session = session

    async def ask(self, push: PathNotify, entry: Entry, now: float, copies: int = 1) -> list[Node]:
        """Return the trail that the callback told; each of the copies, sent at once, must agree with the push.

        Raise ApiError 932001, 932002 or 932003. The entry notes what came of each try.
        """
        posted = back_query(self._config, push, int(now))
        if copies == 1:
            return await self._ask_once(posted, push, entry)
        asked = (self._ask_once(posted, push, entry) for _ in range(copies))
        # All of them to their end, also where one fails: none outlives the call.
        results = await asyncio.gather(*asked, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return next(result for result in results if not isinstance(result, BaseException))

    async def _ask_once(self, posted: Posted, push: PathNotify, entry: Entry) -> list[Node]:
        body = await self._answer(posted, entry)
        try:
            reply = read_reply(self._config, posted, body)
        except ReplyUnreadable as error:
            raise ApiError(BACK_QUERY_FAILED, str(error)) from error
        return agreed_trail(self._config, push, reply)

    async def _answer(self, posted: Posted, entry: Entry) -> bytes:
        """Return the body of the first answer that is not an HTTP 5xx; try three times for it."""
        for _ in range(TRIES):
            status, body = await self._try(posted, entry)
            if status is not None and status < 500:
                break
        if status == 200:
            return body
        what = "did not answer" if status is None else f"answered HTTP {status}"
        raise ApiError(BACK_QUERY_FAILED, f"the callback {what}")

    async def _try(self, posted: Posted, entry: Entry) -> tuple[int | None, bytes]:
        started = time.perf_counter()
        try:
            status, body = await self._post(posted)
            seen = f"HTTP {status}"
        except (ClientError, TimeoutError, OSError) as error:
            status, body, seen = None, b"", type(error).__name__
        entry.back_queries += (f"{seen}, {(time.perf_counter() - started) * 1000:.0f} ms",)
        return status, body

    async def _post(self, posted: Posted) -> tuple[int, bytes]:
        async with self._session.post(
            self._config.callback_url,
            params=posted.params,
            data=posted.body,
            headers={"Content-Type": posted.content_type},
            allow_redirects=False,
        ) as response:
            return response.status, await response.read()
