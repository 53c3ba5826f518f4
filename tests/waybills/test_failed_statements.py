"""A failed statement on SQLite holds up no other thread."""

import gc
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, ProgrammingError
from django.db.utils import ConnectionHandler

pytestmark = pytest.mark.django_db
WAIT = 3
"""Seconds for which a statement waits for the lock."""


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[str]:
    """The file of a database that another connection has locked."""
    file = str(tmp_path / "locked.sqlite3")
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("PRAGMA journal_mode=WAL")
    holder.execute("BEGIN IMMEDIATE")
    yield file
    holder.close()


@pytest.fixture
def collected_by_hand() -> Iterator[None]:
    """No garbage is collected by itself."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def database(file: str) -> ConnectionHandler:
    return ConnectionHandler({"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": file}})


@pytest.mark.usefixtures("collected_by_hand")
def test_collecting_what_a_failure_left_does_not_wait_for_its_connection(locked: str) -> None:
    """Django's own translation of an error leaves the cursor in a cycle."""
    handler, has_failed = database(locked), threading.Event()

    def fail_twice() -> None:
        connection = handler["default"]
        begin_within(connection, 0)
        has_failed.set()
        begin_within(connection, WAIT)
        connection.close()

    def begin_within(connection: object, seconds: int) -> None:
        execute(connection, f"PRAGMA busy_timeout = {seconds * 1000}")
        try:
            execute(connection, "BEGIN IMMEDIATE")
        except OperationalError:
            return
        raise AssertionError("the database is not locked")

    def execute(connection: object, statement: str) -> None:
        connection.cursor().execute(statement)

    waiting = threading.Thread(target=fail_twice)
    waiting.start()
    has_failed.wait(10)
    time.sleep(0.3)
    began = time.monotonic()
    gc.collect()
    took = time.monotonic() - began

    assert waiting.is_alive()
    waiting.join(10)
    assert took < WAIT / 2


def test_the_error_arrives_as_it_was(tmp_path: Path) -> None:
    connection = database(str(tmp_path / "any.sqlite3"))["default"]
    cursor = connection.cursor()

    with pytest.raises(OperationalError, match="no such table: nowhere"):
        cursor.execute("SELECT * FROM nowhere")

    with pytest.raises(ProgrammingError, match="closed cursor"):
        cursor.execute("SELECT 1")
    with connection.cursor() as another:
        assert another.execute("SELECT 1").fetchone() == (1,)
    connection.close()


def test_a_wrapper_for_a_while_is_taken_off_again(tmp_path: Path) -> None:
    connection = database(str(tmp_path / "any.sqlite3"))["default"]
    seen: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        seen.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        connection.cursor().execute("SELECT 1")
    connection.cursor().execute("SELECT 2")

    assert seen == ["SELECT 1"]
    connection.close()


def test_the_error_of_a_closed_connection_is_django_s(tmp_path: Path) -> None:
    connection = database(str(tmp_path / "any.sqlite3"))["default"]
    cursor = connection.cursor()
    connection.close()

    with pytest.raises(ProgrammingError, match="closed database"):
        cursor.execute("SELECT 1")
