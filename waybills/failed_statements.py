"""On SQLite: a statement that failed lets go of its connection at once, in its own thread.

The cursor of a failed statement keeps it, and the error's traceback keeps the cursor until the garbage is collected, in
whichever thread that happens to be. Letting go takes the connection's mutex: a thread that reads would wait for as long
as the cursor's own thread waits for a lock, up to the whole `timeout`.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.db.backends.signals import connection_created


def watch_connections() -> None:
    """Have every connection to SQLite close what failed, from its first statement on."""
    connection_created.connect(_watch, dispatch_uid=__name__)


def _watch(connection: Any, **signal: object) -> None:
    if connection.vendor == "sqlite" and _close_what_failed not in connection.execute_wrappers:
        # Outermost: whoever wraps for a while takes the last one off again, without looking.
        connection.execute_wrappers.insert(0, _close_what_failed)


def _close_what_failed(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    try:
        return execute(sql, params, many, context)
    except Exception:
        # Of a closed connection even this is an error, which would hide the other.
        with suppress(context["connection"].Database.Error):
            context["cursor"].close()
        raise
