"""Runs a function of this suite in many processes: `python -m tests.delivery.nursery MODULE:FUNCTION COUNT OPTIONS`.

Django is set up once, then each process is forked: a dozen of them start together, on the database that DATABASE_URL
names. Prints a JSON line when a process has begun, and one when it has ended.
"""

import importlib
import json
import logging
import os
import sys
from collections.abc import Callable
from typing import Any

import django

logger = logging.getLogger(__name__)


def say(**what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def run(function: Callable[[int, dict[str, Any]], None], index: int, options: dict[str, Any]) -> None:
    """Be the forked process: it never returns."""
    code = 1
    try:
        function(index, options)
        code = 0
    except Exception:
        logger.exception("process %d failed", index)
    finally:
        os._exit(code)


def main(target: str, count: int, options: dict[str, Any]) -> None:
    django.setup()
    module, name = target.split(":")
    function = getattr(importlib.import_module(module), name)
    indexes = {}
    for index in range(count):
        pid = os.fork()
        if pid == 0:
            run(function, index, options)
        indexes[pid] = index
        say(event="began", index=index, pid=pid)
    while indexes:
        pid, status = os.wait()
        say(event="ended", index=indexes.pop(pid), pid=pid, code=os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    main(sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3]))
