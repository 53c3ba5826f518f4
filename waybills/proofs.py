"""Who may see a landing page: the agreed proof, and the limits that make guessing useless.

JSONP cannot check its caller's origin, so besides masked data there are a limit for each client and, where the carrier
asks for it, a proof: the last four digits of the receiver's phone, or a signed link that expires. Five wrong proofs an
hour for one client and waybill, a hundred a day for one waybill; none given is a wrong one, and so is a right one for
a waybill that does not exist, since the two must look alike.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address, ip_network

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from waybills.counters import count_in_window, count_up, counts
from waybills.documents import Contact

_SALT = "waybills.landing_page"
_HOUR, _DAY = 3600, 86400
_WRONG_AN_HOUR, _WRONG_A_DAY = 5, 100
_TAIL = 4
_IPV6_NETWORK = 64
"""Bits: whoever has one IPv6 address has all of its network."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a request brought as its proof."""

    phone_tail: str = ""
    expires: str = ""
    signature: str = ""


def link_proof(no: str, expires: datetime) -> dict[str, str]:
    """Return the parameters that a link to the landing page carries until it expires."""
    moment = str(int(expires.timestamp()))
    return {"expires": moment, "signature": _sign(no, moment)}


def _sign(no: str, moment: str) -> str:
    return salted_hmac(_SALT, f"{moment}\0{no}", algorithm="sha256").hexdigest()


def holds(given: Given, no: str, receiver: Contact | None, now: datetime) -> bool:
    """Return whether a proof is the one that `JSONP_PROOF` asks for. receiver: None where there is no waybill."""
    if settings.JSONP.proof == "none":
        return True
    if settings.JSONP.proof == "signature":
        is_signed = constant_time_compare(given.signature, _sign(no, given.expires))
        return is_signed and given.expires.isdigit() and int(given.expires) > now.timestamp()
    phone = receiver.phone if receiver else ""
    # The same comparison where there is nothing to compare with: a stand-in that nobody can know.
    tail = phone[-_TAIL:] if len(phone) > _TAIL else secrets.token_hex()
    return constant_time_compare(given.phone_tail, tail)


def is_over_rate(client: str | None, now: datetime) -> bool:
    """Count a request of this client; return whether it is one too many (`JSONP_RATE`)."""
    most, period = settings.JSONP.rate
    return count_in_window(f"jsonp:rate:{_network(client)}", now.timestamp(), period) > most


def is_locked(client: str | None, no: str, now: datetime) -> bool:
    """Return whether so many wrong proofs have come that none is looked at any more."""
    keys = _wrong_keys(client, no, now)
    so_far = counts(keys)
    return any(so_far.get(key, 0) >= most for key, (most, _) in keys.items())


def count_wrong(client: str | None, no: str, now: datetime) -> None:
    """Count a wrong proof."""
    for key, (_, period) in _wrong_keys(client, no, now).items():
        count_up(key, period)


def _wrong_keys(client: str | None, no: str, now: datetime) -> dict[str, tuple[int, int]]:
    """Return (how many, in how many seconds) by key."""
    seconds = int(now.timestamp())
    number = salted_hmac(_SALT, no).hexdigest()
    return {
        f"jsonp:wrong:{_network(client)}:{number}:{seconds // _HOUR}": (_WRONG_AN_HOUR, _HOUR),
        f"jsonp:wrong:{number}:{seconds // _DAY}": (_WRONG_A_DAY, _DAY),
    }


def _network(client: str | None) -> str | None:
    """Return what counts as one client: an IPv4 address, an IPv6 network.

    >>> _network("2001:db8::1"), _network("127.0.0.1")
    ('2001:db8::', '127.0.0.1')
    """
    if client is None or ip_address(client).version == 4:
        return client
    return str(ip_network((client, _IPV6_NETWORK), strict=False).network_address)
