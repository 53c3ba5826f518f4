"""UUIDs that sort by time, made before the INSERT: a sealed row's key is known when it is sealed."""

import secrets
import time
from uuid import UUID


def uuid7() -> UUID:
    """Return a version 7 UUID of this millisecond (RFC 9562, section 5.7).

    >>> uuid7().version
    7
    """
    milliseconds = time.time_ns() // 1_000_000
    value = milliseconds << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)
