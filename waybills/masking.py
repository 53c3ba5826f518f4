"""Masks what a landing page may not show: names and phones, also where a path's text repeats them.

The floor is GB/T 41833-2022: at least one character of a name and six digits of a phone are hidden. Couriers' and
stations' numbers stay: the recipient must be able to call, and carriers write them into the text
(「【李四/13800138000】正在派件」).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from waybills.documents import Contact, PathDocument

_STAR = "*"
_KEPT = 3
"""Leading digits of a phone that stay. No tail: `phone_tail` may be the page's proof."""
_HIDDEN = 6
_SHORTEST_NUMBER = 7
# Digits of any script, with up to three signs between them: spaces of all widths, dots, hyphens, brackets.
_NUMBER = re.compile(r"\d(?:(?:[^\w]|_){0,3}\d){6,}")
_DIGIT = re.compile(r"\d")
_SERVICE = re.compile(r"(?:400|800)\d{7}|95\d{3,6}|10\d{3,6}")


@dataclass(frozen=True, slots=True)
class Mask:
    """What is hidden of one waybill's texts."""

    names: tuple[str, ...]
    phones: tuple[str, ...]
    hides_all: bool = False
    """Every number but service lines and couriers' own fields."""


def mask_of(parties: Sequence[Contact], *, hides_all: bool) -> Mask:
    """Return the mask of a waybill's sender and receiver."""
    names = {party.name for party in parties if len(party.name) > 1}
    phones = {digits for party in parties if len(digits := _digits(party.phone)) >= _SHORTEST_NUMBER}
    # The longest first: a name that contains another is masked whole.
    return Mask(tuple(sorted(names, key=len, reverse=True)), tuple(sorted(phones, key=len, reverse=True)), hides_all)


def mask_name(name: str) -> str:
    """Return a name's first character and stars for the rest.

    >>> mask_name("张三"), mask_name("欧阳锋"), mask_name("")
    ('张*', '欧**', '')
    """
    return name[:1] + _STAR * max(len(name) - 1, 1) if name else ""


def mask_text(text: str, mask: Mask, document: PathDocument) -> str:
    """Return a path's text without the parties' names and phones.

    >>> ali = Contact(name="张三", phone="13800138000")
    >>> mask_text("张三 138-0013-8000 已签收", mask_of([ali], hides_all=False), PathDocument(""))
    '张* 138-****-**** 已签收'
    """
    for name in mask.names:
        if name in text:
            text = text.replace(name, mask_name(name))
    if not _NUMBER.search(text):
        return text
    shown = _couriers(document) if mask.hides_all else frozenset()
    return _NUMBER.sub(lambda found: _mask_number(found[0], mask, shown), text)


def _couriers(document: PathDocument) -> frozenset[str]:
    phones = (document.pickup_courier_phone, document.delivery_courier_phone)
    return frozenset(_digits(phone) for phone in phones if phone)


def _mask_number(number: str, mask: Mask, shown: frozenset[str]) -> str:
    digits = _digits(number)
    hidden = set[int]()
    for phone in mask.phones:
        if phone in digits:
            hidden.update(*(_hidden_part(start, len(phone)) for start in _places(phone, digits)))
    if mask.hides_all and not hidden and not _SERVICE.fullmatch(digits):
        kept = [range(start, start + len(phone)) for phone in shown for start in _places(phone, digits)]
        hidden = set(_hidden_part(0, len(digits))).difference(*kept)
    return _with_stars(number, hidden) if hidden else number


def _places(phone: str, digits: str) -> list[int]:
    return [start for start in range(len(digits) - len(phone) + 1) if digits.startswith(phone, start)]


def _hidden_part(start: int, length: int) -> range:
    """Return which digits of a number are hidden: all but the first few, and never fewer than six."""
    return range(start + min(_KEPT, max(length - _HIDDEN, 0)), start + length)


def _with_stars(number: str, hidden: set[int]) -> str:
    places = iter(range(len(number)))
    return _DIGIT.sub(lambda digit: _STAR if next(places) in hidden else digit[0], number)


def _digits(text: str) -> str:
    """Return the digits of a text, of any script, as plain ones.

    >>> _digits("１３８-00")
    '13800'
    """
    if text.isascii() and text.isdigit():
        return text
    return "".join(str(int(digit)) for digit in _DIGIT.findall(text))
