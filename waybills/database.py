"""The hand-written SQL's door to both databases: PostgreSQL through psycopg's own cursor, SQLite through Django's.

psycopg's own cursor binds on the server; Django's interpolates every value into the text first, which costs more than
the statement itself where a batch carries a thousand sealed documents. Each statement is parsed and planned once a
connection, and answers in binary: a quarter of a callback's time.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, connections

from waybills.arrays import Array

Rows = list[tuple[Any, ...]]
Parameters = Sequence[Any] | Mapping[str, Any]


def is_postgresql() -> bool:
    """Return whether the database is PostgreSQL; the only other is SQLite."""
    return connection.vendor == "postgresql"


def fetch(sql: str, parameters: Parameters = ()) -> Rows:
    """Return all rows of one statement."""
    return list(_run(sql, parameters).fetchall())


def execute(sql: str, parameters: Parameters = ()) -> int:
    """Run one statement; return how many rows it touched."""
    return int(_run(sql, parameters).rowcount)


def execute_each(sql: str, rows: Sequence[dict[str, Any]]) -> None:
    """Run one statement for each row; for SQLite, where the statement runs in one's own process."""
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.executemany(sql, rows)


def _run(sql: str, parameters: Parameters) -> Any:
    # Asked for once: each look through the proxy costs a microsecond or two.
    database = connections[DEFAULT_DB_ALIAS]
    if database.vendor != "postgresql":
        cursor = database.cursor()
        cursor.execute(sql, parameters)
        return cursor
    import psycopg

    database.ensure_connection()
    with database.wrap_database_errors:
        return psycopg.Cursor(database.connection).execute(sql, parameters, prepare=True, binary=True)


def send_arrays() -> None:
    """Let psycopg hand `waybills.arrays.Array` on as it is, on every connection made from now on."""
    from psycopg import adapters, pq
    from psycopg.adapt import Dumper

    class ArrayDumper(Dumper):
        format = pq.Format.BINARY

        def dump(self, obj: Array) -> Array:
            return obj

    adapters.register_dumper(Array, ArrayDumper)


def plan_by_keys() -> None:
    """Let this transaction look rows up by their indexes, whatever the statistics say.

    The queue finds a batch by its keys. Where the tables are small, or were when they were last analysed, PostgreSQL
    reads them whole instead: three times slower at 20,000 waybills, and slower with each one more.
    """
    if is_postgresql():
        execute(_PLAN_BY_KEYS)


_PLAN_BY_KEYS = "SELECT " + ", ".join(
    f"set_config('{name}', 'off', true)"
    for name in ("enable_seqscan", "enable_hashjoin", "enable_mergejoin", "enable_bitmapscan", "jit")
)


def as_list(values: Sequence[Any]) -> Any:
    """Return what a statement takes as a list: an array on PostgreSQL, JSON on SQLite."""
    return list(values) if is_postgresql() else json.dumps(list(values))


def uuid_writer() -> Callable[[UUID], Any]:
    """Return what turns a UUID into the column's value: SQLite holds it as text, as Django writes it."""
    return (lambda value: value) if is_postgresql() else attrgetter("hex")


def as_moment(moment: datetime | None) -> Any:
    """Return a moment as the database compares it: SQLite holds UTC as text, as Django writes it."""
    if moment is None or is_postgresql():
        return moment
    # Always six digits: texts compare character by character, and strftime writes three.
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def read_moment(value: Any) -> datetime:
    """Return the aware moment of a column read by hand."""
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def read_moment_or_none(value: Any) -> datetime | None:
    """Return the aware moment of a column that may be null."""
    return None if value is None else read_moment(value)
