"""Lists as PostgreSQL's arrays, in the binary form in which they travel.

psycopg looks at each value to find out what it is; here the statement says it. A batch carries a dozen lists of a
thousand values: a seventh of an ingest's time.

The form is PostgreSQL's own (`array_recv`): dimensions, has nulls, the element's type, length, lower bound; then for
each value its length and its bytes. No list here holds nulls; a number that does not fit is a struct.error.
"""

from collections.abc import Sequence
from itertools import chain, repeat
from struct import Struct

_HEAD = Struct("!iIIii")
_EMPTY = Struct("!iII")
_LENGTH = Struct("!i").pack
_BOOL, _BYTEA, _INT8, _INT4, _TEXT, _TIMESTAMPTZ = 16, 17, 20, 23, 25, 1184
_EPOCH = 946_684_800
"""2000-01-01, from which PostgreSQL counts, in Unix seconds."""


class Array(bytes):
    """An array as it goes over the wire; its type is that of the statement's cast (`%(ids)b::bigint[]`)."""


def int8s(values: Sequence[int]) -> Array:
    """Return `bigint[]`."""
    return _fixed(_INT8, "q", 8, values)


def int4s(values: Sequence[int]) -> Array:
    """Return `int[]`."""
    return _fixed(_INT4, "i", 4, values)


def bools(values: Sequence[bool]) -> Array:
    """Return `bool[]`."""
    return _fixed(_BOOL, "?", 1, values)


def moments(values: Sequence[int]) -> Array:
    """Return `timestamptz[]`; values: Unix seconds."""
    return _fixed(_TIMESTAMPTZ, "q", 8, [(value - _EPOCH) * 1_000_000 for value in values])


def texts(values: Sequence[str]) -> Array:
    """Return `text[]`."""
    return byteas([value.encode() for value in values], _TEXT)


def byteas(values: Sequence[bytes], element: int = _BYTEA) -> Array:
    """Return `bytea[]`."""
    lengths = map(_LENGTH, map(len, values))
    return _array(element, len(values), b"".join(chain.from_iterable(zip(lengths, values, strict=True))))


def _fixed(element: int, code: str, width: int, values: Sequence[int]) -> Array:
    # One format for all lengths: struct keeps every format that it has seen.
    return _array(element, len(values), b"".join(map(Struct(f"!i{code}").pack, repeat(width), values)))


def _array(element: int, length: int, body: bytes) -> Array:
    head = _HEAD.pack(1, 0, element, length, 1) if length else _EMPTY.pack(0, 0, element)
    return Array(head + body)
