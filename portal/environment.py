"""Reads the environment's variables one by one, collecting what is wrong instead of stopping at the first.

A wrong value is replaced by the default, so that settings can be imported and `manage.py check` can name every
problem at once; no process starts while there is one (`portal.checks`).
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, TypeVar
from urllib.parse import urlsplit

import environ

T = TypeVar("T")
Network = IPv4Network | IPv6Network

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_RATE_PERIODS = {"s": 1, "min": 60, "h": 3600, "day": 86400}


@dataclass(frozen=True)
class Problem:
    """One variable that is missing or has the wrong shape, and how to mend it."""

    variable: str
    what: str
    remedy: str


class EnvironmentReader:
    """Parses variables by name; `problems` tells afterwards what was wrong."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[Problem] = []

    def read(self, variable: str, parse: Callable[[str], T], default: T, shape: str) -> T:
        """Return the parsed variable; the default where it is unset, empty or (noted) unparsable."""
        text = self._environ.get(variable, "").strip()
        if not text:
            return default
        try:
            return parse(text)
        except ValueError as error:
            # The value itself is not repeated: it may be a secret.
            self.problems.append(Problem(variable, f"{variable} is wrong: {error}", f"Expected {shape}."))
            return default

    def require(self, variable: str, parse: Callable[[str], T], stand_in: T, shape: str, remedy: str) -> T:
        """Return the parsed variable; note a problem where it is unset or empty."""
        if not self._environ.get(variable, "").strip():
            self.problems.append(Problem(variable, f"{variable} is not set.", remedy))
            return stand_in
        return self.read(variable, parse, stand_in, shape)


def boolean(text: str) -> bool:
    """Return True for 1, true, yes, on; False for 0, false, no, off.

    >>> boolean("1"), boolean("off")
    (True, False)
    """
    lowered = text.lower()
    if lowered in {"1", "true", "yes", "on"}:
        return True
    if lowered in {"0", "false", "no", "off"}:
        return False
    raise ValueError("neither 0 nor 1")


def words(text: str) -> tuple[str, ...]:
    """Return the comma-separated words.

    >>> words("a, b,")
    ('a', 'b')
    """
    return tuple(word.strip() for word in text.split(",") if word.strip())


def codes(text: str) -> frozenset[int]:
    """Return the comma-separated action types.

    >>> sorted(codes("300002,300003"))
    [300002, 300003]
    """
    return frozenset(whole_number(word) for word in words(text))


def whole_number(text: str) -> int:
    """Return a number that is not negative.

    >>> whole_number("60")
    60
    """
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise ValueError("not a whole number")
    return int(text)


def positive_number(text: str) -> int:
    """Return a number above zero.

    >>> positive_number("4")
    4
    """
    number = whole_number(text)
    if number == 0:
        raise ValueError("must be above zero")
    return number


def port(text: str) -> int:
    """Return a port that can be listened on.

    >>> port("8000")
    8000
    """
    number = positive_number(text)
    if number > 65535:
        raise ValueError("above 65535")
    return number


def address(text: str) -> str:
    """Return an IP address to listen on.

    >>> address("0.0.0.0")
    '0.0.0.0'
    """
    return str(ip_address(text))


def seconds(text: str) -> timedelta:
    """Return a duration given in whole seconds.

    >>> seconds("90")
    datetime.timedelta(seconds=90)
    """
    return timedelta(seconds=whole_number(text))


def two_durations(text: str) -> tuple[timedelta, timedelta]:
    """Return two durations given as `86400,3600`.

    >>> two_durations("60,30")
    (datetime.timedelta(seconds=60), datetime.timedelta(seconds=30))
    """
    first, separator, second = text.partition(",")
    if not separator:
        raise ValueError("needs two numbers of seconds")
    return seconds(first.strip()), seconds(second.strip())


def deadlines(text: str) -> dict[int | None, timedelta]:
    """Return the deadline of each action type; None is the key of all others.

    >>> deadlines("300002=6h,*=1d")
    {300002: datetime.timedelta(seconds=21600), None: datetime.timedelta(days=1)}
    """
    result: dict[int | None, timedelta] = {}
    for word in words(text):
        match = re.fullmatch(r"(\*|[0-9]{1,6})=([0-9]{1,6})([smhd])", word)
        if not match:
            raise ValueError("not of the form 300002=6h,*=24h")
        code, amount, unit = match.groups()
        result[None if code == "*" else int(code)] = timedelta(seconds=int(amount) * _UNITS[unit])
    if None not in result:
        raise ValueError("the entry * for all other types is missing")
    return result


def cache(text: str) -> dict[str, Any]:
    """Return Django's configuration of a cache that counts, no more."""
    try:
        config = dict(environ.Env.cache_url_config(text))
    except (KeyError, environ.ImproperlyConfigured):
        raise ValueError("not a cache address") from None
    if "locmem" in config["BACKEND"]:
        # With Django's 300 entries a flood of other keys would soon forget who guessed wrong.
        config["OPTIONS"] = {"MAX_ENTRIES": 200_000}
    else:
        # No request waits long for it.
        config["OPTIONS"] = {"socket_connect_timeout": 1, "socket_timeout": 1} | config.get("OPTIONS", {})
    return config


def rate(text: str) -> tuple[int, int]:
    """Return (how many, in how many seconds) of `600/min`.

    >>> rate("600/min")
    (600, 60)
    """
    match = re.fullmatch(r"([1-9][0-9]{0,6})/(s|min|h|day)", text)
    if not match:
        raise ValueError("not of the form 600/min")
    return int(match[1]), _RATE_PERIODS[match[2]]


def networks(text: str) -> tuple[Network, ...]:
    """Return the comma-separated networks.

    >>> networks("10.0.0.0/8")
    (IPv4Network('10.0.0.0/8'),)
    """
    return tuple(ip_network(word) for word in words(text))


def choice(*allowed: str) -> Callable[[str], str]:
    """Return a parser of one of the given words.

    >>> choice("safe", "plain")("safe")
    'safe'
    """

    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"not one of {', '.join(allowed)}")
        return text

    return parse


def http_url(text: str) -> str:
    """Return an http or https address without the slash at its end.

    >>> http_url("https://api.weixin.qq.com/")
    'https://api.weixin.qq.com'
    """
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("not an http:// or https:// address")
    return text.rstrip("/")


def relay_url(text: str) -> str:
    """Return an http or https address as it is written: its path is another server's.

    >>> relay_url("http://127.0.0.1/cs/")
    'http://127.0.0.1/cs/'
    """
    http_url(text)
    return text


def key_of_32_bytes(text: str) -> bytes:
    """Return the key written in base64.

    >>> len(key_of_32_bytes("QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="))
    32
    """
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("not base64") from None
    if len(key) != 32:
        raise ValueError("not 32 bytes")
    return key


def keys_of_32_bytes(text: str) -> tuple[bytes, ...]:
    """Return the comma-separated keys, newest first.

    >>> len(keys_of_32_bytes("QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="))
    1
    """
    keys = tuple(key_of_32_bytes(word) for word in words(text))
    if len(set(keys)) != len(keys):
        raise ValueError("the same key twice")
    return keys


def encoding_aes_keys(text: str) -> tuple[bytes, ...]:
    """Return the 32-byte keys of the comma-separated EncodingAESKeys, newest first.

    The 43rd character carries spare bits, which WeChat does not promise to be zero: decoded leniently.

    >>> encoding_aes_keys("A" * 43) == (bytes(32),)
    True
    """
    result = []
    for word in words(text):
        if not re.fullmatch(r"[A-Za-z0-9+/]{43}", word):
            raise ValueError("an EncodingAESKey has 43 letters and digits")
        result.append(base64.b64decode(word + "="))
    return tuple(result)


def pattern(expression: str, description: str) -> Callable[[str], str]:
    """Return a parser of text that matches the expression in full.

    >>> pattern("[a-z]+", "letters")("abc")
    'abc'
    """

    def parse(text: str) -> str:
        if not re.fullmatch(expression, text):
            raise ValueError(f"not {description}")
        return text

    return parse
