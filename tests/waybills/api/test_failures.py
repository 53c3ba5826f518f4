"""The database locked or away, and what else an answer must survive."""

from collections.abc import Iterator
from contextlib import contextmanager

import orjson
import pytest
from django.db import close_old_connections, connection
from rest_framework.exceptions import Throttled

from tests.waybills.api.conftest import Api, event, waybill
from waybills.api.errors import answer_exception
from waybills.models import Path, Push, Waybill


@contextmanager
def held_by_another() -> Iterator[None]:
    """Let another connection hold what an ingest writes last, and ours wait for it a moment only."""
    other = connection.copy()
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 50" if connection.vendor == "sqlite" else "SET lock_timeout = 50")
    with other.cursor() as cursor:
        cursor.execute("BEGIN IMMEDIATE" if connection.vendor == "sqlite" else "BEGIN")
        if connection.vendor == "postgresql":
            cursor.execute("LOCK TABLE waybills_lane")
    try:
        yield
    finally:
        with other.cursor() as cursor:
            cursor.execute("ROLLBACK")
        other.close()
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_a_locked_database_answers_503_and_nothing_is_half_written(api: Api) -> None:
    with held_by_another():
        response = api.post("waybills/", waybill(paths=[event()]))

    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert int(response["Retry-After"]) > 0
    assert [model.objects.count() for model in (Waybill, Path, Push)] == [0, 0, 0]
    assert api.post("waybills/", waybill(paths=[event()])).json()["paths"]["created"] == 1


@contextmanager
def away() -> Iterator[None]:
    """Cut our connection: PostgreSQL ends it, SQLite's file cannot be opened."""
    if connection.vendor == "postgresql":
        other = connection.copy()
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
        other.close()
        yield
        close_old_connections()
        return
    name = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = f"{name}/nowhere"
    try:
        yield
    finally:
        connection.settings_dict["NAME"] = name


@pytest.mark.django_db(transaction=True)
def test_a_database_that_went_away_answers_503_and_is_found_again(api: Api) -> None:
    with away():
        gone = api.get("line/")

    assert (gone.status_code, gone.json()["code"]) == (503, "unavailable")
    assert api.get("line/").status_code == 200


@pytest.mark.parametrize(("wait", "header"), [(0.2, "1"), (3, "3"), (59.5, "60")])
def test_a_throttled_call_is_told_when_to_go_on(wait: float, header: str) -> None:
    response = answer_exception(Throttled(wait=wait), {})

    assert response is not None
    assert (response.status_code, response["Retry-After"]) == (429, header)
    assert orjson.loads(response.content)["code"] == "throttled"


def test_what_nobody_foresaw_stays_a_plain_500() -> None:
    assert answer_exception(ZeroDivisionError(), {}) is None
