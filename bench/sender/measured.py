"""A drain and what it took of the clock and of the processor, in the process that does it."""

import json
import resource
import sys
import time
from collections.abc import Callable


def drained(drain: Callable[[], None]) -> None:
    """Say "ready", wait for a line, drain, and say when it ended (Unix time), in how long, with how much CPU."""
    print(json.dumps({"ready": True}), flush=True)
    sys.stdin.readline()
    before, began = cpu(), time.perf_counter()
    drain()
    took = time.perf_counter() - began
    print(json.dumps({"seconds": took, "cpu": cpu() - before}), flush=True)


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
