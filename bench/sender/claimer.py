"""Claims 200 lanes for each line on standard input, as the sender does, and says how long it took."""

import json
import sys
import time
from functools import partial
from random import Random

SIZE = 200


def main() -> None:
    import django

    django.setup()
    from django.utils import timezone

    from waybills import lanes
    from wechat.decisions import decide

    print(json.dumps({"ready": True}), flush=True)
    for _ in sys.stdin:
        now, began = timezone.now(), time.perf_counter()
        claimed = lanes.claim(limit=SIZE, now=now, decide=partial(decide, now=now, rng=Random(1)))
        print(json.dumps({"seconds": time.perf_counter() - began, "claimed": len(claimed.attempts)}), flush=True)


if __name__ == "__main__":
    main()
