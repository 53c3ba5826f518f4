"""Where a request comes from, behind the proxies that are trusted."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any


def client_address(environ: Mapping[str, Any], trusted: Sequence[IPv4Network | IPv6Network]) -> str | None:
    """Return the client's address: the nearest one that is no trusted proxy; None where there is none.

    X-Forwarded-For is believed only as far as trusted proxies wrote it: from the right, up to the first address that
    is not one of them.

    >>> from ipaddress import ip_network
    >>> environ = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "6.6.6.6, 81.2.69.142, 10.0.0.2"}
    >>> client_address(environ, [ip_network("10.0.0.0/8")])
    '81.2.69.142'
    >>> client_address(environ, [])
    '10.0.0.1'
    """
    address = _address(environ.get("REMOTE_ADDR", ""))
    if address is None or not _is_trusted(address, trusted):
        return str(address) if address else None
    for text in reversed(environ.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        nearer = _address(text.strip())
        if nearer is None:
            break
        address = nearer
        if not _is_trusted(address, trusted):
            break
    return str(address)


def _is_trusted(address: IPv4Address | IPv6Address, trusted: Sequence[IPv4Network | IPv6Network]) -> bool:
    return any(address in network for network in trusted)


@lru_cache(maxsize=1024)
def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address of a text, without its zone; an IPv4 address written as IPv6 as itself."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
