"""The landing page's bench: each request of another waybill."""

import random

from bench.world import WAYBILLS, waybill_no


def prepare(count: int, seed: int) -> list[bytes]:
    """Return HTTP requests of the landing page, each of another waybill."""
    rng = random.Random(seed)
    return [
        (
            f"GET /waybills/info/?waybill_id={waybill_no(rng.randrange(WAYBILLS))}&callback=cb{number} HTTP/1.1\r\n"
            "Host: 127.0.0.1\r\nUser-Agent: Mozilla/5.0\r\nAccept: */*\r\n\r\n"
        ).encode()
        for number in range(count)
    ]
