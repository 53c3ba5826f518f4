"""Masks what a landing page may not show: names and phones, also where a path's text repeats them.

The floor is GB/T 41833-2022: at least one character of a name and six digits of a phone are hidden. Couriers' and
stations' numbers stay: the recipient must be able to call, and carriers write them into the text
(「【李四/13800138000】正在派件」).

A number is looked for in a text of the same length whose digits of any script, circled and Chinese ones too, have been
made plain; between its digits there may be spaces, dots, hyphens, brackets, and what is left of HTML.
"""

import re
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from waybills.documents import Contact, PathDocument

_STAR = "*"
_KEPT = 3
"""Leading digits of a phone that stay. No tail: `phone_tail` may be the page's proof."""
_HIDDEN = 6
_SHORTEST_NUMBER = 7
# A star is no sign between digits: what is masked already stays as it is.
_BETWEEN = r"(?:&nbsp;|<br ?/?>|[^\w*]|[_ーxX]){0,8}"
_NUMBER = re.compile(rf"[0-9](?:{_BETWEEN}[0-9]){{6,}}")
_DIGIT = re.compile(r"[0-9]")
_NO_DIGITS = re.compile(r"[^0-9]+")
_SERVICE = re.compile(r"(?:400|800)[0-9]{7}|95[0-9]{3,6}|10[0-9]{3,6}")
_COUNTRY = re.compile(r"^(?:00)?86")
_MOBILE = re.compile(r"(?=(1[3-9][0-9]{9}))")
_LANDLINE = re.compile(r"0?((?:10|2[0-9]|[3-9][0-9]{2})([0-9]{7,8}))")
_COURTESY = re.compile(r"\s+|先生$|女士$|小姐$|[(（].*")


def _plain_digits() -> dict[int, str]:
    """Return what makes digits plain: of any script, circled, raised, and Chinese ones."""
    chinese = {ord(sign): str(value) for value, sign in enumerate("零一二三四五六七八九")} | {ord("〇"): "0"}
    others = (
        (code, unicodedata.digit(chr(code), -1)) for code in range(0x80, sys.maxunicode + 1) if chr(code).isdigit()
    )
    return chinese | {code: str(value) for code, value in others if value >= 0}


_PLAIN = _plain_digits()
_FIGURE = "".join(map(re.escape, map(chr, _PLAIN))) + "0-9"
# The 四 of 李四 is no digit: a Chinese one counts beside another digit only.
_LONE_NUMERAL = re.compile(rf"(?<![{_FIGURE}])[零〇一二三四五六七八九](?![{_FIGURE}])")


@dataclass(frozen=True, slots=True)
class Mask:
    """What is hidden of one waybill's texts."""

    names: tuple[str, ...]
    phones: tuple[str, ...]
    """Every way of writing the parties' numbers: with and without country, area code and extension."""
    hides_all: bool = False
    """Every number but service lines and couriers' own fields."""


def mask_of(parties: Sequence[Contact], *, hides_all: bool) -> Mask:
    """Return the mask of a waybill's sender and receiver."""
    names = {core for party in parties if len(core := _COURTESY.sub("", party.name)) > 1}
    phones = {form for party in parties for form in _forms(party.phone) if len(form) >= _SHORTEST_NUMBER}
    # The longest first: a name that contains another is masked whole.
    return Mask(tuple(sorted(names, key=len, reverse=True)), tuple(sorted(phones, key=len, reverse=True)), hides_all)


def _forms(phone: str) -> Iterator[str]:
    """Yield the numbers that a phone field holds, each in every way of writing it, as digits."""
    plain = phone.translate(_PLAIN)
    for run in {_digits(plain), *_NO_DIGITS.split(plain)}:
        national = _COUNTRY.sub("", run)
        yield from (run, national)
        yield from _MOBILE.findall(run)
        landline = _LANDLINE.fullmatch(national)
        if landline:
            yield from landline.groups()


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
    # Numbers first: a name made of digits would break a phone, and it would not be known any more.
    plain = text if text.isascii() else _LONE_NUMERAL.sub("字", text).translate(_PLAIN)
    found = [*_NUMBER.finditer(plain)]
    if found:
        shown = _couriers(document) if mask.hides_all else ()
        hidden = {place for number in found for place in _hidden_places(number, mask, shown)}
        text = "".join(_STAR if place in hidden else sign for place, sign in enumerate(text))
    for name in mask.names:
        if name[0] in text:
            text = _name_pattern(name).sub(mask_name(name), text)
    return text


@lru_cache(maxsize=1024)
def _name_pattern(name: str) -> re.Pattern[str]:
    """Return what finds a name however it is spaced and capitalised."""
    return re.compile(r"\s*".join(map(re.escape, name)), re.IGNORECASE)


def _couriers(document: PathDocument) -> tuple[str, ...]:
    phones = (document.pickup_courier_phone, document.delivery_courier_phone)
    return tuple(_digits(phone.translate(_PLAIN)) for phone in phones if phone)


def _hidden_places(number: re.Match[str], mask: Mask, shown: Sequence[str]) -> Iterator[int]:
    """Yield the places in the text that are hidden of one number."""
    digits = _digits(number[0])
    hidden = _of_parties(digits, mask.phones)
    if mask.hides_all and not _SERVICE.fullmatch(digits):
        kept = [range(start, start + len(phone)) for phone in shown for start in _places(phone, digits)]
        hidden |= set(_hidden_part(0, len(digits))).difference(*kept)
    if hidden:
        places = [digit.start() for digit in _DIGIT.finditer(number.string, number.start(), number.end())]
        yield from (places[index] for index in hidden)


def _of_parties(digits: str, phones: Sequence[str]) -> set[int]:
    """Return which digits of a number are a party's, or a part of it that is long enough to be one."""
    hidden = set[int]()
    for phone in phones:
        if phone in digits:
            hidden.update(*(_hidden_part(start, len(phone)) for start in _places(phone, digits)))
        elif digits in phone:
            hidden.update(_hidden_part(0, len(digits)))
    return hidden


def _places(phone: str, digits: str) -> list[int]:
    return [start for start in range(len(digits) - len(phone) + 1) if digits.startswith(phone, start)]


def _hidden_part(start: int, length: int) -> range:
    """Return which digits of a number are hidden: all but the first few, and never fewer than six."""
    return range(start + min(_KEPT, max(length - _HIDDEN, 0)), start + length)


def _digits(plain: str) -> str:
    """Return the digits of a text whose digits are plain.

    >>> _digits("138-00")
    '13800'
    """
    return plain if plain.isdigit() else _NO_DIGITS.sub("", plain)
