"""No network call inside a transaction: WeChat asks back while a push is in flight, and must see what it announces."""

from django.db import connection


class NetworkInTransaction(RuntimeError):
    """A mistake in the code: a socket was about to be opened while a transaction was open."""


def refuse_inside_transaction() -> None:
    """Raise NetworkInTransaction inside a transaction; a test case's own does not count, as for `durable`."""
    if any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks):
        raise NetworkInTransaction
