"""Rows by the million, made in the database from one that is there."""

import psycopg


def copy(connection: psycopg.Connection, table: str, count: int, **columns: str) -> None:
    """Insert copies of a row that is there; columns: expressions (of `g`, from 0) of what differs."""
    names = [
        row[0]
        for row in connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position",
            (table,),
        )
    ]
    values = ", ".join(columns.get(name, f"sample.{name}") for name in names)
    connection.execute(
        f"""INSERT INTO {table} ({", ".join(names)})
            SELECT {values} FROM (SELECT * FROM {table} LIMIT 1) AS sample, generate_series(0, {count - 1}) AS g"""
    )


def digest(kind: str) -> str:
    return f"sha256(('{kind}' || g)::bytea)"
