"""What readyz says while the database is not all there."""

from collections.abc import Iterator

import orjson
import pytest
from django.db import connection

from tests.wsgi import call

pytestmark = pytest.mark.django_db(transaction=True)


def rename(table: str, name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO {name}")


@pytest.fixture
def _without_waybills() -> Iterator[None]:
    rename("waybills_waybill", "away")
    yield
    rename("away", "waybills_waybill")


@pytest.mark.usefixtures("_without_waybills")
def test_readyz_does_not_guess_what_it_cannot_read() -> None:
    answer = call("GET", "/readyz")

    assert answer.status == 503
    assert orjson.loads(answer.body) == {"database": "ok", "migrations": "ok", "keys": "not known"}


@pytest.fixture
def _away() -> Iterator[None]:
    """Point the connection at a database that is not there."""
    from waybills.readiness import require_migrations

    require_migrations.cache_clear()
    connection.close()
    name = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = "/nowhere/at/all"
    yield
    connection.close()
    connection.settings_dict["NAME"] = name


@pytest.mark.usefixtures("_away")
def test_readyz_says_that_the_database_is_away() -> None:
    answer = call("GET", "/readyz")

    assert answer.status == 503
    assert orjson.loads(answer.body) == {"database": "away", "migrations": "not known", "keys": "not known"}


@pytest.mark.usefixtures("_away")
def test_healthz_lives_without_a_database() -> None:
    assert call("GET", "/healthz").status == 200
