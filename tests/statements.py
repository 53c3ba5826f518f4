"""What the database is asked, on whichever database the suite runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    """Yield what the database is asked, statement by statement."""
    statements: list[str] = []
    if connection.vendor == "sqlite":
        with CaptureQueriesContext(connection) as captured:
            yield statements
        statements.extend(query["sql"] for query in captured)
        return

    # The bulk path goes round Django's cursor: let the server itself tell what it executes.
    def note(diagnostic: Any) -> None:
        statements.append(diagnostic.message_primary)

    with connection.cursor() as cursor:
        cursor.execute("SET client_min_messages = log; SET log_statement = 'all'")
    connection.connection.add_notice_handler(note)
    try:
        yield statements
    finally:
        connection.connection.remove_notice_handler(note)
        with connection.cursor() as cursor:
            cursor.execute("RESET client_min_messages; RESET log_statement")
