"""Kills aimed at each window of a push, as seen from the database and from a gate before the far side."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from tests.delivery.chaos import ANSWER_TO_RECORD, BEFORE_ROW, ROW_TO_BYTE, WAITING
from tests.delivery.gate import Gate
from tests.delivery.load import know_bindings, number, post
from tests.live import eventually
from waybills.models import PushAttempt

_UNTIL_DUE = 1.5
"""Seconds in which the lock is taken before the pushes fall due."""
_UNTIL_CLAIMED = 1.5
"""Seconds in which a sender looks for work for certain, rung for or not."""
_UNTIL_READ = 0.3
"""Seconds in which a sender reads an answer that has gone back to it."""


@dataclass(frozen=True)
class Shot:
    """What one aimed kill needs. indexes: of waybills that nobody has posted yet."""

    gate: Gate
    indexes: range
    kill: Callable[[], None]

    def post(self, in_seconds: float = 0) -> None:
        """Post a message of each waybill, due in so many seconds; nothing need be asked before it is sent."""
        know_bindings(self.indexes)
        post(self.indexes, now=timezone.now() + timedelta(seconds=in_seconds))

    @property
    def numbers(self) -> list[str]:
        return [number(index) for index in self.indexes]

    def open_attempts(self) -> int:
        return PushAttempt.objects.open().filter(push__waybill__no__in=self.numbers).count()

    def are_all_in(self, calls: list[bytes]) -> bool:
        """Return whether each waybill is in one of these calls. What an earlier kill left passes the gate too."""
        return all(any(no.encode() in call for call in calls) for no in self.numbers)


def kill_before_row(shot: Shot) -> None:
    """Kill while the claim of pushes that are due cannot write its attempts."""
    shot.post(in_seconds=_UNTIL_DUE)
    with attempts_unwritable():
        time.sleep(_UNTIL_DUE + _UNTIL_CLAIMED)
        shot.kill()


def kill_before_first_byte(shot: Shot) -> None:
    """Kill once the attempts are committed, while no connection can be made."""
    with shot.gate.shut():
        shot.post()
        eventually(lambda: shot.open_attempts() == len(shot.indexes), "the attempts' rows")
        shot.kill()


def kill_while_waiting(shot: Shot) -> None:
    """Kill once the calls have left whole; the far side acts on them afterwards."""
    with _held(shot):
        shot.kill()


def kill_before_record(shot: Shot) -> None:
    """Kill once the answers have come, while they cannot be recorded."""
    with _held(shot), attempts_unwritable():
        shot.gate.let_pass()
        eventually(lambda: shot.are_all_in(shot.gate.answered), "the answers")
        time.sleep(_UNTIL_READ)
        shot.kill()


AIMS = {
    BEFORE_ROW: kill_before_row,
    ROW_TO_BYTE: kill_before_first_byte,
    WAITING: kill_while_waiting,
    ANSWER_TO_RECORD: kill_before_record,
}


@contextmanager
def _held(shot: Shot) -> Iterator[None]:
    """Hold the calls at the gate, all of them whole."""
    shot.gate.hold()
    try:
        shot.post()
        eventually(lambda: shot.are_all_in(shot.gate.received), "the calls reach the gate")
        yield
    finally:
        shot.gate.let_pass()


@contextmanager
def attempts_unwritable() -> Iterator[None]:
    """Let another transaction keep all others from writing attempts; on SQLite from writing at all."""
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("BEGIN IMMEDIATE")
            else:
                cursor.execute("BEGIN")
                cursor.execute("LOCK TABLE waybills_pushattempt IN EXCLUSIVE MODE")
            yield
            cursor.execute("ROLLBACK")
    finally:
        other.close()
