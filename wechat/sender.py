"""Sends what is due: claims in batches, calls WeChat concurrently, records in bulk.

One event loop makes the calls and never touches the database; one thread of its own owns the connection and runs the
claims and the records, one after the other. An attempt's row is committed before its call leaves, so that whatever
dies, the row says what may have happened (`waybills.lanes`).
"""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from random import Random
from typing import Any, TypeVar

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from waybills import lanes, line
from waybills.lanes import Attempt, Claimed
from wechat import budget, tokens
from wechat.client import Raw, Reading, Reply, read_reply
from wechat.decisions import decide, is_token_refused
from wechat.pace import Pace, callback_p95
from wechat.recording import Ended, record, record_again, stop_line
from wechat.sweep import sweep_in_turn
from wechat.tokens import Token, TokenUnavailable
from wechat.transports import AsyncTransport

logger = logging.getLogger(__name__)
T = TypeVar("T")

BATCH = 200
"""Lanes a claim and results a record, at most."""
CONCURRENCY = 500
"""Calls under way at once."""
RECORDING = 2 * BATCH
"""Calls that have ended and may wait for their record before nothing more is claimed."""
POLL = 1.0
"""Seconds before the database is asked again after it did not answer."""
SWEEP = 5.0
"""Seconds between sweeps for deadlines and sleeping lanes."""
LOOK_AT_CALLBACK = 2.0
"""Seconds between looks at how fast our own callback answers."""
_WORTH_A_CLAIM = 0.25
"""Of a full claim: a smaller one costs the database as many statements."""
GATHER = 0.01
"""Seconds that a record waits for more results."""
_TRUST_TOKEN = 30.0
"""Seconds for which a process uses its copy of the token without looking at the row."""


class _LeaseOver(Exception):
    """A call that must not leave any more."""


class Sender:
    """Drains the lanes until it is told to stop; one a process."""

    def __init__(self, transport: AsyncTransport, *, rng: Random, concurrency: int = CONCURRENCY) -> None:
        self._transport = transport
        self._rng = rng
        self._pace = Pace(concurrency)
        self._database = ThreadPoolExecutor(1, "sender-database")
        self._renewals = ThreadPoolExecutor(1, "sender-token")
        self._calls: set[asyncio.Task[None]] = set()
        self._ended: asyncio.Queue[Ended] = asyncio.Queue()
        self._bell = asyncio.Event()
        self._token: Token | None = None
        self._token_until = 0.0
        self._token_lock = asyncio.Lock()
        self._unrecorded = 0
        """Calls that were begun and whose ends are not in the database yet."""
        self._is_stopping = False
        self._is_open = False
        """The line was open at the last round: it is looked at once then, not twice."""
        self._next_sweep = self._next_look = 0.0

    def ring(self) -> None:
        """Say that something is due; from the loop's own thread."""
        self._bell.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop` is set, then finish what is in flight."""
        recorder = asyncio.create_task(self._record_for_ever())
        try:
            while not stop.is_set():
                if not await self._step_on():
                    await self._wait(stop)
            self._is_stopping = True
            await self._finish()
        finally:
            recorder.cancel()
            await self._close()

    async def drain(self) -> None:
        """Send what is due now and return when nothing is, and nothing is in flight."""
        recorder = asyncio.create_task(self._record_for_ever())
        try:
            while await self._step() or self._unrecorded:
                if self._unrecorded:
                    await asyncio.sleep(GATHER)
        finally:
            recorder.cancel()
            await self._close()

    async def _step_on(self) -> int:
        """Step, and go on whatever happens: a sender that died would leave a worker that looks well."""
        try:
            return await self._step()
        except Exception:
            logger.exception("a round of the sender failed; going on with the next")
            return 0

    async def _step(self) -> int:
        """Sweep where it is time, claim what capacity there is; return how many lanes were due."""
        try:
            await self._sweep()
            await self._look_at_callback()
            room = self._room()
            if room < min(BATCH, self._pace.allowed) * _WORTH_A_CLAIM:
                await asyncio.sleep(GATHER)
                return 1
            if not (self._is_open or await self._in_database(line.is_open, timezone.now())):
                return 0
            if not await self._has_token():
                return 0
            claimed = await self._in_database(self._claim, room)
        except (DatabaseError, InterfaceError):
            logger.exception("the database did not answer; trying again")
            await asyncio.sleep(POLL)
            return 0
        for attempt in claimed.attempts:
            self._start(attempt, is_repeat=False)
        return claimed.lanes

    def _room(self) -> int:
        """Return how many lanes may be claimed: what is being recorded occupies no connection any more."""
        return min(BATCH, self._pace.allowed - len(self._calls), self._pace.allowed + RECORDING - self._unrecorded)

    async def _sweep(self) -> None:
        if time.monotonic() < self._next_sweep:
            return
        self._next_sweep = time.monotonic() + SWEEP
        await self._in_database(sweep_in_turn)

    async def _look_at_callback(self) -> None:
        """Let the pace follow our own callback: each pathnotify brings a back-query to it."""
        if time.monotonic() < self._next_look or not self._calls:
            return
        self._next_look = time.monotonic() + LOOK_AT_CALLBACK
        now = timezone.now()
        p95 = await self._in_database(callback_p95, self._pace.judged_from(now))
        self._pace.see_callback(p95, now)

    async def _wait(self, stop: asyncio.Event) -> None:
        """Wait for a ring, the stop or the next look."""
        waiters = [asyncio.create_task(event.wait()) for event in (self._bell, stop)]
        await asyncio.wait(waiters, timeout=settings.PUSH.poll.total_seconds(), return_when=asyncio.FIRST_COMPLETED)
        for waiter in waiters:
            waiter.cancel()
        self._bell.clear()

    def _claim(self, room: int) -> Claimed:
        now = timezone.now()
        permits = budget.take(room, now=now)
        allowed = line.allowance(permits, now=now, probe_for=settings.PUSH.lease) if permits else 0
        claimed = Claimed()
        # A line that was open a moment ago is looked at once a round, by the allowance.
        self._is_open = bool(allowed) or not permits
        if allowed:
            claimed = lanes.claim(limit=allowed, now=now, decide=partial(decide, now=now, rng=self._rng))
        budget.adjust(len(claimed.attempts) - permits)
        return claimed

    def _start(self, attempt: Attempt, *, is_repeat: bool) -> None:
        task = asyncio.create_task(self._call(attempt, is_repeat))
        self._calls.add(task)
        self._unrecorded += 1
        task.add_done_callback(self._calls.discard)

    async def _call(self, attempt: Attempt, is_repeat: bool) -> None:
        """Make one call; whatever happens, its end is queued for the record."""
        version = 0
        try:
            token = await self._fresh_token()
            version = token.version
            if timezone.now() >= attempt.head.leased_until:
                # This process was held up past its lease: another may be sending the same push by now.
                raise _LeaseOver
            raw = await self._transport.post(attempt.call.value, attempt.request, token=token.value)
        except TokenUnavailable as error:
            raw = Raw(note=str(error), was_sent=False)
        except _LeaseOver:
            raw = Raw(note="the lease was over before the call could leave", was_sent=False)
        except Exception:
            # Outermost: a fault of the program must not leave the lane to its lease, nor end the batch.
            logger.exception("attempt %s failed in the program itself", attempt.id)
            raw = Raw(note="fault of the program")
        self._ended.put_nowait(Ended(attempt, read_reply(raw), version, is_repeat))

    async def _has_token(self) -> bool:
        """Return whether there is a token to send with: without one nothing is claimed."""
        try:
            await self._fresh_token()
        except TokenUnavailable as error:
            await self._do_without_token(error)
            return False
        return True

    async def _do_without_token(self, error: TokenUnavailable) -> None:
        self._token = None
        if error.is_news:
            logger.warning("%s", error)
        if error.cause_of_stop:
            await self._in_database(stop_line, error.reply, error.cause_of_stop)

    async def _fresh_token(self, refused: int | None = None) -> Token:
        if self._token is not None and refused is None and time.monotonic() <= self._token_until:
            return self._token
        async with self._token_lock:
            # One look for all calls that wait: the row tells each of them the same.
            if self._token is None or self._token.version == refused or time.monotonic() > self._token_until:
                # Nobody goes on with the old one meanwhile.
                self._token = None
                self._token = await self._in(self._renewals, partial(_obtain_token, refused))
                self._token_until = time.monotonic() + _TRUST_TOKEN
            return self._token

    async def _record_for_ever(self) -> None:
        while True:
            batch = [await self._ended.get()]
            await asyncio.sleep(GATHER)
            while not self._ended.empty() and len(batch) < BATCH:
                batch.append(self._ended.get_nowait())
            await self._record(batch)

    async def _record(self, batch: list[Ended]) -> None:
        """Record a batch, however long the database takes to answer: what was seen must not be lost."""
        refused = {ended.token_version for ended in batch if is_token_refused(ended.reply)}
        if self._token is not None and self._token.version in refused:
            await self._renew(self._token.version)
        write = record
        while True:
            try:
                begun = await self._in_database(partial(write, is_last=self._is_stopping), batch, self._rng)
                break
            except (DatabaseError, InterfaceError):
                write = record_again
                logger.exception("%d results are not recorded yet; trying again", len(batch))
                await asyncio.sleep(POLL)
            except Exception:
                # Outermost: a fault of the program costs this batch its lanes' leases, and nothing else its life.
                logger.exception("%d results could not be recorded; their lanes fall due again", len(batch))
                begun = []
                break
        self._pace.see_replies([ended.reply for ended in batch], timezone.now())
        repeats = {ended.attempt.head.push_id for ended in batch if is_token_refused(ended.reply)}
        for attempt in begun:
            self._start(attempt, is_repeat=attempt.head.push_id in repeats)
        self._unrecorded -= len(batch)
        self._bell.set()

    async def _renew(self, refused: int) -> None:
        try:
            await self._fresh_token(refused)
        except TokenUnavailable as error:
            await self._do_without_token(error)

    async def _finish(self) -> None:
        while self._unrecorded:
            await asyncio.sleep(GATHER)

    async def _close(self) -> None:
        await self._in(self._database, _close_connection)
        await self._in(self._renewals, _close_connection)
        self._database.shutdown()
        self._renewals.shutdown()

    async def _in_database(self, work: Callable[..., T], *arguments: Any) -> T:
        return await self._in(self._database, partial(_closing_broken, work, *arguments))

    @staticmethod
    async def _in(executor: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(executor, work)


def _obtain_token(refused: int | None) -> Token:
    try:
        return _closing_broken(partial(tokens.obtain, refused=refused))
    except (DatabaseError, InterfaceError) as error:
        # No call has left: to its caller this is a token that is not to be had now.
        reply = Reply(Reading.LOST, errmsg="the database did not answer")
        raise TokenUnavailable(reply, is_news=True) from error


def _close_connection() -> None:
    """Close the calling thread's connection."""
    connection.close()


def _closing_broken(work: Callable[..., T], *arguments: Any) -> T:
    try:
        return work(*arguments)
    except (DatabaseError, InterfaceError):
        # A broken connection would fail for ever; the next use opens another.
        connection.close()
        raise
