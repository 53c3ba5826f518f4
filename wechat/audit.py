"""Every verified callback leaves a row: when, from where, how long, what was answered.

On PostgreSQL the row is written before the answer leaves; on SQLite a moment later by a thread, at most 0.1 s. An
unclear pathnotify is judged 20 s after it (design, section 7), so that both serve as proof.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import NamedTuple
from uuid import UUID

from django.db import Error

from waybills.database import execute, is_postgresql
from waybills.revival import on_a_live_connection
from waybills.sealing import SealBroken
from waybills.uuid7 import uuid7
from wechat.callbacks import Answer
from wechat.deferred import DeferredWriter
from wechat.documents import CallbackDocument, seal_callback
from wechat.envelope import Received
from wechat.exceptions import CallbackFault
from wechat.models import Callback, CallbackOutcome
from wechat.refusals import RefusalCounter

logger = logging.getLogger(__name__)

_INTERVAL = 0.1
_MOST_WAITING = 10_000
_MOST_BYTES = 64 * 1024 * 1024
"""Of sealed bodies: ten thousand rows of the longest messages would be as many as the machine has."""
_BATCH = 1_000
_LONGEST_NAME = 64
# By hand: a model's save costs four times as much, and this stands in every callback's way.
_INSERT = """
    INSERT INTO wechat_callback (id, received_at, duration_us, source, event, waybill_no, outcome, result_code,
                                 sender_differs, sealed)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (id) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Arrival:
    """When a request came, and from where."""

    at: datetime
    began: float
    """time.perf_counter() at its beginning."""
    source: str | None


class CallbackRow(NamedTuple):
    """A row in the order of the INSERT."""

    id: UUID
    received_at: datetime
    duration_us: int
    source: str | None
    event: str
    waybill_no: str
    outcome: str
    result_code: int | None = None
    sender_differs: bool = False
    sealed: bytes | None = None


class CallbackQueue(DeferredWriter):
    """Holds SQLite's rows until its thread writes them."""

    def __init__(self, interval: float = _INTERVAL, most_bytes: int = _MOST_BYTES) -> None:
        super().__init__(interval)
        self.waiting: deque[CallbackRow] = deque()
        self._bytes, self._most_bytes = 0, most_bytes
        self._counting = threading.Lock()

    def put(self, row: CallbackRow) -> None:
        """Queue a row; raise CallbackFault where the database has not kept up: no answer without its evidence."""
        if not self._has_room(row):
            logger.error("the database takes no audit rows: %d wait, callbacks are answered 503", len(self.waiting))
            raise CallbackFault("the queue of audit rows is full")
        self.waiting.append(row)

    def write(self) -> None:
        """Write the rows, a thousand a transaction; the queue keeps those that were not written."""
        while self.waiting:
            batch = list(islice(self.waiting, _BATCH))
            Callback.objects.bulk_create([Callback(**row._asdict()) for row in batch], ignore_conflicts=True)
            written = sum(_size(self.waiting.popleft()) for _ in batch)
            with self._counting:
                self._bytes -= written

    def _has_room(self, row: CallbackRow) -> bool:
        """Return whether the row can wait; count it if so."""
        with self._counting:
            if len(self.waiting) >= _MOST_WAITING or self._bytes + _size(row) > self._most_bytes:
                return False
            self._bytes += _size(row)
            return True


def _size(row: CallbackRow) -> int:
    return len(row.sealed or b"")


queue = CallbackQueue()
refusals = RefusalCounter()


def start() -> None:
    """Start the threads of the process that serves."""
    queue.start()
    refusals.start()


def record(arrival: Arrival, received: Received, answer: Answer) -> None:
    """Write the row of an answered callback."""
    row_id = uuid7()
    document = CallbackDocument(received.raw.decode(errors="replace"), answer.content.decode(errors="replace"))
    _write(
        CallbackRow(
            row_id,
            arrival.at,
            _microseconds_since(arrival.began),
            arrival.source,
            _storable(received.message.event),
            _storable(answer.waybill_no),
            answer.outcome.value,
            answer.result_code,
            answer.sender_differs,
            seal_callback(row_id, document),
        )
    )


@contextmanager
def faults_recorded(arrival: Arrival, received: Received) -> Iterator[None]:
    """Turn what goes wrong on this side into CallbackFault: logged, and with a row where the database takes one."""
    try:
        yield
    except (SealBroken, Error) as error:
        number = _storable(received.message.text("WaybillId"))
        event = _storable(received.message.event)
        logger.error("callback %s of waybill %s: %s", event, number, type(error).__name__)
        _record_fault(arrival, event, number)
        raise CallbackFault from error


def _record_fault(arrival: Arrival, event: str, number: str) -> None:
    duration = _microseconds_since(arrival.began)
    row = CallbackRow(uuid7(), arrival.at, duration, arrival.source, event, number, CallbackOutcome.FAULT.value)
    try:
        _write(row)
    except (Error, CallbackFault) as error:
        logger.warning("the fault is not recorded: %s", type(error).__name__)


def _write(row: CallbackRow) -> None:
    if is_postgresql():
        on_a_live_connection(lambda: execute(_INSERT, row))
    else:
        queue.put(row)


def _microseconds_since(began: float) -> int:
    return round((time.perf_counter() - began) * 1_000_000)


def _storable(text: str) -> str:
    """Return a name as a column holds it: no NUL, no lone surrogate, not too long."""
    plain = text if text.isprintable() else "".join(filter(str.isprintable, text))
    return plain[:_LONGEST_NAME]
