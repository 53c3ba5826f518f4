"""The table of error codes as the protocol's facts have it, written down a second time, for the tests alone."""

from dataclasses import dataclass
from enum import Enum, auto

from tests.wechat.farside import Answer, answer, hang_up, text
from waybills.models import Call


class Reading(Enum):
    """What one call makes of a push."""

    SENT = auto()
    UNBOUND = auto()
    RETRY = auto()
    IN_DOUBT = auto()
    TOKEN = auto()
    """Renewed once, repeated once, then as a failed try."""
    STOP = auto()
    FINAL = auto()
    THREE_TRIES = auto()


@dataclass(frozen=True)
class Row:
    """One row: what comes back, and how it reads as an answer to userquery and to pathnotify."""

    name: str
    answer: Answer
    userquery: Reading
    pathnotify: Reading
    acts: bool = False
    """The far side has done a pathnotify that it answers so."""

    def reading(self, call: Call) -> Reading:
        """Return how this answer to `call` reads."""
        return self.userquery if call == Call.USERQUERY else self.pathnotify


def _code(code: int, reading: Reading) -> Row:
    return Row(str(code), answer(code), reading, reading)


def _lost(name: str, given: Answer, *, acts: bool = False) -> Row:
    return Row(name, given, Reading.RETRY, Reading.IN_DOUBT, acts)


ROWS = (
    Row("0, bound", answer(exist=1), Reading.SENT, Reading.SENT, acts=True),
    Row("0, not bound", answer(exist=0), Reading.UNBOUND, Reading.UNBOUND, acts=True),
    _lost("0 without exist", answer(), acts=True),
    _lost("-1", answer(-1)),
    _lost("HTTP 500", text("Internal Server Error", 500)),
    _lost("HTTP 502 with a code", text('{"errcode":0,"exist":1}', 502)),
    _lost("unreadable", text("<html>busy</html>")),
    _lost("redirect", text("", 302, Location="http://127.0.0.1:9/")),
    _lost("empty", text("")),
    _lost("hangs up", hang_up),
    *(_code(code, Reading.TOKEN) for code in (40001, 40014, 42001, 41001)),
    *(_code(code, Reading.STOP) for code in (40125, 40013, 40164, 40243, 41002, 41004, 48001, 89503, 150004, 45009)),
    *(_code(code, Reading.RETRY) for code in (45011, 932001)),
    *(_code(code, Reading.FINAL) for code in (40097, 47001)),
    *(_code(code, Reading.THREE_TRIES) for code in (932002, 932003, 123456)),
)
