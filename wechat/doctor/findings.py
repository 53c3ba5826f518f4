"""What a check found, and how it is mended."""

from dataclasses import dataclass
from enum import Enum

from django.utils.functional import Promise

Text = str | Promise


class Grade(Enum):
    """How a finding counts: a problem makes the exit status 1, a note does not."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. remedy: empty where nothing is to be mended."""

    what: Text
    grade: Grade
    says: Text
    remedy: Text = ""


def fine(what: Text, says: Text) -> Finding:
    """Return a finding of what is in order."""
    return Finding(what, Grade.OK, says)


def note(what: Text, says: Text, remedy: Text = "") -> Finding:
    """Return a finding that somebody should know of and that is no fault."""
    return Finding(what, Grade.NOTE, says, remedy)


def problem(what: Text, says: Text, remedy: Text) -> Finding:
    """Return a finding of what must be mended."""
    return Finding(what, Grade.PROBLEM, says, remedy)
