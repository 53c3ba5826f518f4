"""Cleaning of what comes in: once, before identity and storage, and the same for every door.

A text that WeChat got in JSON (pathnotify) comes back to it in XML (back-query) and must be the same text; XML turns
CRLF into LF and cannot hold most control characters.
"""

import re
import unicodedata

_NOT_FOR_XML = re.compile(r"[\x00-\x08\x0a-\x1f\ufffe\uffff]+")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_BETWEEN_DIGITS = re.compile(r"[\s\u200b\u2060\ufeff‐-―−-]+")
_COUNTRY = re.compile(r"^(\+86|(0086|86)(?=1[0-9]{10}$))")
_LONGEST_WITHOUT_COUNTRY = 12
"""Digits alone up to here are in their one form already."""
_LONGEST_READ = 256
"""Characters. What is longer is no phone, and NFKC takes the square of the time for a run of combining marks."""
_MAINLAND_MOBILE = re.compile(r"1[0-9]{10}")


class Malformed(ValueError):
    """A text that no cleaning makes storable: it holds a lone surrogate."""


def clean_text(text: str) -> str:
    r"""Return the text stripped, each run of line ends and control characters as one space.

    >>> clean_text(" 已签收\r\n谢谢 ")
    '已签收 谢谢'

    Raise Malformed for lone surrogates.
    """
    if text.isprintable():  # nearly every text, at a fifth of the price: holds neither surrogates nor controls
        return text.strip()
    if _SURROGATE.search(text):
        raise Malformed("lone surrogate")
    return _NOT_FOR_XML.sub(" ", text).strip()


def normalise_phone(text: str) -> str:
    """Return a phone in the one form in which it is stored, matched and found.

    Full-width digits become plain ones; spaces, hyphens and +86 go.

    >>> normalise_phone("+86 138-0013-8000"), normalise_phone("１３８００１３８０００")
    ('13800138000', '13800138000')
    >>> normalise_phone("0571-88886666")
    '057188886666'
    """
    if len(text) <= _LONGEST_WITHOUT_COUNTRY and text.isascii() and text.isdigit():
        return text
    cleaned = clean_text(text)
    if len(cleaned) > _LONGEST_READ:
        return cleaned
    plain = unicodedata.normalize("NFKC", cleaned)
    return _COUNTRY.sub("", _BETWEEN_DIGITS.sub("", plain), count=1) if plain else ""


def is_mainland_mobile(phone: str) -> bool:
    """Return whether a (normalised) phone can be pushed to: `1` and ten digits.

    >>> is_mainland_mobile("13800138000"), is_mainland_mobile("057188886666")
    (True, False)
    """
    return _MAINLAND_MOBILE.fullmatch(phone) is not None
