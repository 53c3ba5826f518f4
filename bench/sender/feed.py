"""Feeds events as the carrier's systems do, through ingest and the doorbell, at a constant rate.

Each line "COUNT RATE" on standard input feeds the next COUNT waybills' events at RATE a second (0: as fast as it goes),
and is answered with {"seconds": …}: how long that took.
"""

import json
import sys
import time

from bench.sender.world import batches, event_items

STEP = 0.02
"""Seconds between two posts of a constant rate."""
FASTEST = 200
"""Events a post, where there is no rate."""


def main() -> None:
    import django

    django.setup()
    from portal.celery import publish_ring
    from waybills import doorbell

    doorbell.connect(publish_ring)
    print(json.dumps({"ready": True}), flush=True)
    first = 0
    for line in sys.stdin:
        count, rate = map(int, line.split())
        began = time.perf_counter()
        feed(range(first, first + count), rate)
        first += count
        print(json.dumps({"seconds": time.perf_counter() - began}), flush=True)


def feed(numbers: range, rate: int) -> None:
    from waybills.ingest import ingest

    size = max(1, round(rate * STEP)) if rate else FASTEST
    began = time.perf_counter()
    for post in batches(len(numbers), size):
        if rate:
            time.sleep(max(0.0, began + post.start / rate - time.perf_counter()))
        ingest([], event_items([numbers[place] for place in post], int(time.time())))


if __name__ == "__main__":
    main()
