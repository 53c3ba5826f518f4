"""Reading of one JSON object: cleaned values out, and what is wrong with each field noted under its name.

Plain functions instead of serializers: at 1,000 events a request a serializer's fields cost more than the database.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext as _

from waybills.action_types import ActionType
from waybills.cleaning import Malformed, clean_text, normalise_phone

EARLIEST = 946_684_800
"""2000-01-01 UTC, in Unix seconds."""
LATEST = 4_102_444_800
"""2100-01-01 UTC: a time in milliseconds lies far beyond."""
PHONE_LENGTH = 32

_KNOWN_ACTION_TYPES = frozenset(ActionType.values)
_MOST_DIGITS = 20


class Code(StrEnum):
    """What can be wrong with a field."""

    REQUIRED = "required"
    TYPE = "type"
    TOO_LONG = "too_long"
    OUT_OF_RANGE = "out_of_range"
    UNKNOWN_ACTION_TYPE = "unknown_action_type"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: with which field (None: with the whole), as a code and as a sentence."""

    field: str | None
    code: str
    detail: str


class Fields:
    """The fields of one object. A reader returns the neutral value of its type where it has noted a problem."""

    __slots__ = ("_prefix", "_raw", "problems")

    def __init__(self, raw: Mapping[str, Any], prefix: str = "", problems: list[Problem] | None = None) -> None:
        self._raw = raw
        self._prefix = prefix
        self.problems: list[Problem] = [] if problems is None else problems

    @property
    def is_empty(self) -> bool:
        """Return whether the object has no field at all."""
        return not self._raw

    def has(self, name: str) -> bool:
        """Return whether the field is there and neither null nor empty."""
        return self._raw.get(name) not in (None, "")

    def note(self, name: str, code: Code, detail: str) -> None:
        """Note what is wrong with a field."""
        self.problems.append(Problem(self._prefix + name, code, detail))

    def text(self, name: str, longest: int, required: bool = False, clean: Callable[[str], str] = clean_text) -> str:
        """Return a text as it is stored; longest: in characters, after cleaning."""
        value = self._raw.get(name)
        if value is None:
            text = ""
        elif type(value) is not str:
            self.note(name, Code.TYPE, _("A text is expected."))
            return ""
        else:
            try:
                text = clean(value)
            except Malformed:
                self.note(name, Code.MALFORMED, _("The text holds a lone surrogate."))
                return ""
        if required and not text:
            self.note(name, Code.REQUIRED, _("This field is required."))
        elif len(text) > longest:
            self.note(name, Code.TOO_LONG, _("At most %(longest)d characters.") % {"longest": longest})
        return text

    def phone(self, name: str, required: bool = False) -> str:
        """Return a phone in the form in which it is stored."""
        return self.text(name, PHONE_LENGTH, required, normalise_phone)

    def moment(self, name: str, earliest: int = EARLIEST) -> int:
        """Return a time in Unix seconds before 2100, from 2000 on where nothing else is said."""
        value = self._integer(name)
        if value is None:
            return 0
        if not earliest <= value < LATEST:
            self.note(name, Code.OUT_OF_RANGE, _("Unix seconds between 2000 and 2100 are expected."))
            return 0
        return value

    def action_type(self, name: str) -> int:
        """Return a code of the specification's table."""
        value = self._integer(name)
        if value is None:
            return 0
        if value not in _KNOWN_ACTION_TYPES:
            self.note(name, Code.UNKNOWN_ACTION_TYPE, _("This action_type is not in WeChat's table."))
        return value

    def choice(self, name: str, choices: Collection[str]) -> str:
        """Return one of some values."""
        value = self.text(name, PHONE_LENGTH, required=True)
        if value and value not in choices:
            self.note(name, Code.OUT_OF_RANGE, _("One of these is expected: %s.") % ", ".join(choices))
        return value

    def label(self, name: str, longest: int) -> str:
        """Return a code of the sender's own: a text, or an integer as its digits."""
        value = self._raw.get(name)
        if type(value) is int:
            return str(value)
        return self.text(name, longest, required=True)

    def child(self, name: str) -> "Fields | None":
        """Return the object in a field, without fields where it is missing; None where it is no object."""
        value = self._raw.get(name)
        if value is None:
            value = {}
        elif type(value) is not dict:
            self.note(name, Code.TYPE, _("An object is expected."))
            return None
        return Fields(value, f"{self._prefix}{name}.", self.problems)

    def children(self, name: str) -> list[Any]:
        """Return the list in a field, of whatever it holds; empty where it is missing."""
        value = self._raw.get(name)
        if value is None:
            return []
        if type(value) is not list:
            self.note(name, Code.TYPE, _("A list is expected."))
            return []
        return value

    def _integer(self, name: str) -> int | None:
        """Return an integer; one in a text of digits counts, as WeChat's own answers have them."""
        value = self._raw.get(name)
        if type(value) is int:
            return value
        if value is None or value == "":
            self.note(name, Code.REQUIRED, _("This field is required."))
            return None
        if type(value) is str and value.isascii() and value.isdigit() and len(value) <= _MOST_DIGITS:
            return int(value)
        self.note(name, Code.TYPE, _("An integer is expected."))
        return None
