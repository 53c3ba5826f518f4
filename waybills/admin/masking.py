"""Personal data as the desk shows it until somebody reveals it.

Looser than the landing page (`waybills.masking`) where staff must tell two customers apart: a phone keeps its last four
digits. Stricter elsewhere: couriers are persons too, and every number that can be a phone is masked.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from waybills.cleaning import normalise_phone
from waybills.documents import Contact, PathDocument
from waybills.masking import mask_name, mask_of
from waybills.masking import mask_text as mask_parties

_BETWEEN = r"(?:[^\w]|_){0,3}"
_NUMBER = re.compile(
    rf"(?<!\d)(?:\+?86{_BETWEEN})?[1１](?:{_BETWEEN}\d){{10}}(?!\d)"  # a mobile
    rf"|(?<!\d)[0０]\d{{2,3}}(?:{_BETWEEN}\d){{7,8}}(?!\d)"  # a landline with its area code
    r"|\d{7,}"
)
"""In any notation, full-width digits too; a date with its time is none of them."""


def mask_phone(phone: str) -> str:
    """Return the phone with its middle hidden; of a short one its last two digits.

    >>> mask_phone("13800138000"), mask_phone("057188886666"), mask_phone("10086"), mask_phone("")
    ('138****8000', '057****6666', '****86', '')
    """
    if len(phone) < 9:
        return f"****{phone[-2:]}" if phone else ""
    return f"{phone[:3]}****{phone[-4:]}"


def mask_numbers(text: str) -> str:
    """Return a text with every number that can be a phone masked.

    >>> mask_numbers("正在派件 138 0013-8000,电话(0571) 8888 6666,预计2026-11-24 10:30送达")
    '正在派件 138****8000,电话(057****6666,预计2026-11-24 10:30送达'
    >>> mask_numbers("１３８００１３８０００ 12号")
    '138****8000 12号'
    """
    return _NUMBER.sub(lambda match: mask_phone(_digits(match[0])), text)


def _digits(number: str) -> str:
    return "".join(filter(str.isdigit, normalise_phone(number)))


def mask_contact(contact: Contact) -> Contact:
    """Return a sender or receiver without street and address, name and phone masked."""
    hidden = "***" if contact.street or contact.address else ""
    return replace(
        contact, name=mask_name(contact.name), phone=mask_phone(contact.phone), street="", address=hidden, id=""
    )


def mask_path(document: PathDocument, parties: Sequence[Contact]) -> PathDocument:
    """Return a path's document masked, its text without the names of the parties and couriers."""
    couriers = [Contact(name=document.pickup_courier_name), Contact(name=document.delivery_courier_name)]
    mask = mask_of([*parties, *couriers], hides_all=False)
    return PathDocument(
        mask_parties(mask_numbers(document.action_msg), mask, document),
        mask_name(document.pickup_courier_name),
        mask_phone(document.pickup_courier_phone),
        mask_name(document.delivery_courier_name),
        mask_phone(document.delivery_courier_phone),
    )
