"""The text of one cell, and what spreadsheets make of numbers and moments."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from waybills.files.columns import Kind

CHINA = ZoneInfo("Asia/Shanghai")
"""Moments without a zone are the carrier's clock, whatever the server's is."""

_ROUNDED = re.compile(r"-?\d(?:\.\d+)?[eE]\+\d{2,3}")
_DECIMALS = re.compile(r"(-?\d+)\.0+")
_FORMULA_TEXT = re.compile(r'="([^"]*)"')
_MOMENT = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?[\sT]+(\d{1,2})[::](\d{1,2})(?:[::](\d{1,2})(?:\.\d+)?)?"
)
_LONGEST_MOMENT = 64
"""Characters: the expression takes the square of the time for a run of blanks."""
_UNIX_SECONDS = re.compile(r"[1-3][0-9]{9}")
_FAULTS = frozenset({"#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!"})
FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")
"""What makes a spreadsheet run a cell; some read the full-width signs as the others."""


class CellUnreadable(ValueError):
    """A cell whose text says nothing sure; the message tells the person why."""


def text_of(value: Any) -> str:
    """Return a workbook's cell as the text that a CSV file would have.

    >>> text_of(13800138000.0), text_of(datetime(2026, 11, 24, 10, 29, 59, 999_999)), text_of(1.39008877e17)
    ('13800138000', '2026-11-24 10:30:00', '1.39008877e+17')
    """
    if value is None:
        return ""
    if isinstance(value, float):
        # Beyond 15 digits this writes an exponent, by which a number that lost digits is recognised.
        return f"{value:.15g}"
    if isinstance(value, datetime):
        return (value + timedelta(milliseconds=500)).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return value.strftime("%Y-%m-%d")
    return str(value)


def guard(text: str) -> str:
    """Return a text as a spreadsheet shows it instead of running it; `unguard` takes that back.

    >>> guard("=1+1"), unguard(guard("=1+1")), guard("13800138000")
    ("'=1+1", '=1+1', '13800138000')
    """
    return f"'{text}" if text.lstrip("'").startswith(FORMULA_STARTS) else text


def unguard(text: str) -> str:
    """Return a text without the quote that keeps a spreadsheet from running it."""
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(FORMULA_STARTS) else text


def _read_text(text: str) -> str:
    """Return a text as it was before a spreadsheet was kept from running it."""
    if text[0] not in "'#":
        return text
    if text in _FAULTS:
        raise CellUnreadable(_("The spreadsheet shows an error here: %s.") % text)
    return unguard(text)


def _read_digits(text: str) -> str:
    """Return digits as they were before a spreadsheet took them for a quantity."""
    if text.isascii() and text.isalnum():
        return text
    text = _read_text(text)
    wrapped = _FORMULA_TEXT.fullmatch(text)
    text = wrapped[1] if wrapped else text.removeprefix("'")
    if _ROUNDED.fullmatch(text):
        raise CellUnreadable(
            _("%s is rounded: the spreadsheet lost digits. Format the column as text and enter it again.") % text
        )
    decimals = _DECIMALS.fullmatch(text)
    return decimals[1] if decimals else text


def _read_moment(text: str) -> str | int:
    """Return Unix seconds; what is no calendar's moment goes on as digits, for their own check.

    >>> _read_moment("2026-11-24 10:30"), _read_moment("2026/1/4 9:05:07"), _read_moment("1795487400")
    (1795487400, 1767488707, '1795487400')
    """
    moment = _match_moment(text)
    if moment is None:
        digits = _read_digits(text)
        if digits.isascii() and digits.isdigit():
            return digits
        raise CellUnreadable(_("A time is expected: 2026-11-24 10:30:00, or Unix seconds."))
    year, month, day, hour, minute, second = (int(part or 0) for part in moment.groups())
    try:
        return int(datetime(year, month, day, hour, minute, second, tzinfo=CHINA).timestamp())
    except ValueError:
        raise CellUnreadable(_("No calendar has this time: %s.") % text) from None


def _read_code(text: str) -> str:
    """Return the digits of an action type."""
    digits = _read_digits(text)
    if digits.isascii() and digits.isdigit():
        return digits
    raise CellUnreadable(
        _(
            "A number of WeChat's table is expected, such as 300002. "
            "A column of words or codes of your own is to be mapped to the carrier's code."
        )
    )


def is_moment(text: str) -> bool:
    """Return whether a text is written as a moment: as a calendar's, or as Unix seconds of ten digits."""
    return _match_moment(text) is not None or _UNIX_SECONDS.fullmatch(text) is not None


def _match_moment(text: str) -> re.Match[str] | None:
    return _MOMENT.fullmatch(text) if len(text) <= _LONGEST_MOMENT else None


READERS: Mapping[Kind, Callable[[str], str | int]] = {
    **dict.fromkeys(Kind, _read_text),
    Kind.NUMBER: _read_digits,
    Kind.PHONE: _read_digits,
    Kind.INTEGER: _read_code,
    Kind.MOMENT: _read_moment,
}
"""From the stripped text of a cell that is not empty to its value, as REST would send it. Raise CellUnreadable."""
