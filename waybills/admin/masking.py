"""Personal data as the desk shows it until somebody reveals it.

Looser than the landing page (`waybills.masking`) where staff must tell two customers apart: a phone keeps its last four
digits. Stricter elsewhere: couriers are persons too, and every run of seven digits is taken for a number that rings,
whatever stands before, behind and between: a rule that asks which digits make a phone can be led astray by its
neighbours.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from waybills.cleaning import normalise_phone
from waybills.documents import Contact, PathDocument
from waybills.masking import mask_name, mask_of
from waybills.masking import mask_text as mask_parties

_NUMERALS = "零〇一二三四五六七八九"
_FIGURES = r"\d⓪①-⑨⁰¹²³⁴-⁹₀-₉"
_ANY = rf"[{_FIGURES}{_NUMERALS}]"
_DIGIT = rf"(?:[{_FIGURES}]|[{_NUMERALS}](?={_ANY})|(?<={_ANY})[{_NUMERALS}])"
"""A Chinese numeral that stands alone is a word: the 四 of 李四 belongs to no number."""
_SIGNS = r"(?:&nbsp;|<br ?/?>|\W|[_ーxX]){0,8}"
"""What is left between digits: spaces, dots, hyphens, brackets, and HTML's remains."""
_NUMBER = rf"{_DIGIT}(?:{_SIGNS}{_DIGIT}){{6,}}"
_DATE = re.compile(r"20\d\d([-/.])[01]?\d\1[0-3]?\d(?:[ T][0-2]?\d:[0-5]\d(?::[0-5]\d)?)?", re.ASCII)
"""No phone is written like this: it is readable where nothing else belongs to the run."""
_ALONE = rf"(?![0-9A-Za-z]|{_SIGNS}{_DIGIT})"
_RID = rf"\brid: ?[0-9a-f]{{8}}(?:-[0-9a-f]{{8}}){{2}}{_ALONE}"
_NOTHING = r"(?!)"
_COUNTRY = re.compile(r"(?:00)?86(?=1\d{10}$)")


def mask_phone(phone: str) -> str:
    """Return the phone with its middle hidden, four digits at least; of a short one its last two digits.

    >>> mask_phone("13800138000"), mask_phone("057188886666"), mask_phone("10086"), mask_phone("")
    ('138****8000', '057****6666', '****86', '')
    """
    if not phone:
        return ""
    head, tail = _kept(len(phone))
    return f"{phone[:head]}****{phone[-tail:]}"


def mask_numbers(text: str, own: str = "") -> str:
    """Return a text with every number that can be a phone masked; own: the waybill number that stays readable.

    >>> mask_numbers("正在派件 138 0013-8000,电话(0571) 8888 6666,预计2026-11-24 10:30送达")
    '正在派件 138****8000,电话(057*****6666,预计2026-11-24 10:30送达'
    >>> mask_numbers("１３８００１３８０００ 12号"), mask_numbers("SF1390088776655已签收", "SF1390088776655")
    ('138******0012号', 'SF1390088776655已签收')
    """
    return _masked(text, rf"(?<![0-9A-Za-z]){re.escape(own)}{_ALONE}" if own else _NOTHING)


def mask_errmsg(text: str) -> str:
    """Return WeChat's words on an error with every number masked but its rid, by which WeChat finds the call.

    >>> mask_errmsg("invalid phone 13800138000 rid: 65f0a1b2-12345678-23456789")
    'invalid phone 138****8000 rid: 65f0a1b2-12345678-23456789'
    """
    return _masked(text, _RID)


def _masked(text: str, kept: str) -> str:
    """Return the text masked but for what `kept` matches where no number has begun yet."""
    return re.sub(f"({kept})|{_NUMBER}", lambda found: found[1] or _mask_run(found[0]), text)


def _mask_run(run: str) -> str:
    if _DATE.fullmatch(run):
        return run
    digits = _COUNTRY.sub("", "".join(re.findall(_DIGIT, normalise_phone(run))), count=1)
    head, tail = _kept(len(digits))
    return digits[:head] + "*" * (len(digits) - head - tail) + digits[-tail:]


def _kept(length: int) -> tuple[int, int]:
    """Return how many leading and trailing digits of a number stay."""
    return (0, 2) if length < 9 else (min(3, length - 8), 4)


def mask_contact(contact: Contact) -> Contact:
    """Return a sender or receiver without street and address, name, phone and numbers in the region masked."""
    return replace(
        contact,
        name=mask_name(contact.name),
        phone=mask_phone(contact.phone),
        province=mask_numbers(contact.province),
        city=mask_numbers(contact.city),
        area=mask_numbers(contact.area),
        street="",
        address="***" if contact.street or contact.address else "",
        id="",
    )


def mask_path(document: PathDocument, parties: Sequence[Contact], own: str = "") -> PathDocument:
    """Return a path's document masked, its text without the names of the parties and couriers.

    own: the number of the path's waybill, which stays readable.
    """
    couriers = [Contact(name=document.pickup_courier_name), Contact(name=document.delivery_courier_name)]
    mask = mask_of([*parties, *couriers], hides_all=False)
    return PathDocument(
        mask_parties(mask_numbers(document.action_msg, own), mask, document),
        mask_name(document.pickup_courier_name),
        mask_phone(document.pickup_courier_phone),
        mask_name(document.delivery_courier_name),
        mask_phone(document.delivery_courier_phone),
    )
