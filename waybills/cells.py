"""The landing page's cells as values, and what makes a set of them publishable."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator

_is_link = URLValidator(schemes=["http", "https"])
PLACEHOLDER = "{waybill_id}"
LONGEST = {"key": 20, "name": 64, "link": 1024}


@dataclass(frozen=True, slots=True)
class CellItem:
    """One cell: Key, Name and Link of the landing page."""

    key: str
    name: str
    link: str


class InvalidCells(ValueError):
    """A set that cannot be published; `index` and `field` say where, `code` why."""

    def __init__(self, index: int, field: str, code: str) -> None:
        super().__init__(f"cell {index}: {field}: {code}")
        self.index, self.field, self.code = index, field, code


def check(cells: Sequence[CellItem]) -> None:
    """Raise InvalidCells at the first cell that cannot be published."""
    seen: set[str] = set()
    for index, cell in enumerate(cells):
        for field, longest in LONGEST.items():
            value = getattr(cell, field)
            if not value:
                raise InvalidCells(index, field, "required")
            if len(value) > longest:
                raise InvalidCells(index, field, "too_long")
        if cell.key in seen:
            raise InvalidCells(index, "key", "repeated")
        seen.add(cell.key)
        if has_unknown_placeholder(cell.link):
            raise InvalidCells(index, "link", "unknown_placeholder")
        if not is_link(cell.link):
            raise InvalidCells(index, "link", "malformed")


def has_unknown_placeholder(link: str) -> bool:
    """Return whether a brace is left that nothing fills in: a mistyped placeholder would reach every recipient.

    >>> has_unknown_placeholder("https://example.com/{waybil_id}"), has_unknown_placeholder("https://e.com/{waybill_id}")
    (True, False)
    """
    return not {"{", "}"}.isdisjoint(link.replace(PLACEHOLDER, ""))


def is_link(link: str) -> bool:
    """Return whether this is an http or https address once the waybill's number is filled in.

    >>> is_link("https://example.com/w/{waybill_id}"), is_link("javascript:alert(1)")
    (True, False)
    """
    try:
        _is_link(link.replace(PLACEHOLDER, "0"))
    except ValidationError:
        return False
    return True
