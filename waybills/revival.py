"""Statements that outlive the connection they found: connections are persistent and never probed."""

from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, connection

T = TypeVar("T")


def on_a_live_connection(run: Callable[[], T]) -> T:
    """Return what `run` returns; run it once more on a fresh connection where the first had died.

    So a restarted database costs no failed answer. `run` must be harmless to repeat. Inside a transaction nothing is
    repeated: what came before is lost with the connection.
    """
    try:
        return run()
    except OperationalError:
        if connection.in_atomic_block:
            raise
        connection.close()
        return run()
