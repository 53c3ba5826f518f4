"""Personal data as the desk shows it until somebody reveals it."""

import re
from collections.abc import Iterable
from dataclasses import replace

from waybills.cleaning import normalise_phone
from waybills.documents import Contact, PathDocument

_SEPARATOR = r"[\s.\-‐-―\u200b\ufeff]"
_NUMBER = re.compile(
    rf"(?<!\d)(?:\+?86{_SEPARATOR}{{0,2}})?[1１](?:{_SEPARATOR}{{0,2}}\d){{10}}(?!\d)|\+?\d(?:{_SEPARATOR}{{0,2}}\d){{6,}}"
)
"""A mobile, else seven digits or more; in any notation: `\\d` knows full-width digits too."""


def mask_name(name: str) -> str:
    """Return the name's first character.

    >>> mask_name("欧阳娜娜"), mask_name("")
    ('欧**', '')
    """
    return f"{name[0]}**" if name else ""


def mask_phone(phone: str) -> str:
    """Return the phone with its middle hidden; of a short one its last two digits.

    >>> mask_phone("13800138000"), mask_phone("057188886666"), mask_phone("10086"), mask_phone("")
    ('138****8000', '057****6666', '****86', '')
    """
    if len(phone) < 9:
        return f"****{phone[-2:]}" if phone else ""
    return f"{phone[:3]}****{phone[-4:]}"


def mask_text(text: str, names: Iterable[str] = ()) -> str:
    """Return a text with every long number, and these names, masked.

    >>> mask_text("【李四 138 0013-8000】正在派件,电话01088886666", ["李四"])
    '【李** 138****8000】正在派件,电话010****6666'
    >>> mask_text("１３８００１３８０００ 12号")
    '138****8000 12号'
    """
    for name in sorted(filter(None, names), key=len, reverse=True):
        text = text.replace(name, mask_name(name))
    return _NUMBER.sub(lambda match: mask_phone(_digits(match[0])), text)


def _digits(number: str) -> str:
    return "".join(filter(str.isdigit, normalise_phone(number.replace(".", ""))))


def mask_contact(contact: Contact) -> Contact:
    """Return a sender or receiver without street and address, name and phone masked."""
    hidden = "***" if contact.street or contact.address else ""
    return replace(
        contact, name=mask_name(contact.name), phone=mask_phone(contact.phone), street="", address=hidden, id=""
    )


def mask_path(document: PathDocument, names: Iterable[str]) -> PathDocument:
    """Return a path's document masked; names are the sender's and receiver's."""
    couriers = (document.pickup_courier_name, document.delivery_courier_name)
    return PathDocument(
        mask_text(document.action_msg, (*names, *couriers)),
        mask_name(document.pickup_courier_name),
        mask_phone(document.pickup_courier_phone),
        mask_name(document.delivery_courier_name),
        mask_phone(document.delivery_courier_phone),
    )
