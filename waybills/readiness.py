"""Whether the database, its migrations and the keys of what is stored are in order, read from the database itself."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cache

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor

from waybills.documents import unseal_waybill
from waybills.models import Waybill
from waybills.sealing import SealBroken, blind_index


class Readiness(StrEnum):
    """What a probe found, as the probe of the web process words it."""

    OK = "ok"
    AWAY = "away"
    NOT_APPLIED = "not applied"
    NOT_KNOWN = "not known"
    SEALED_OTHERWISE = "PII_KEYS does not open what is stored"
    INDEXED_OTHERWISE = "PII_INDEX_KEY is not the one of what is stored"


def probe_database() -> Readiness:
    """Return OK, or AWAY where the database does not answer."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        connection.close()
        return Readiness.AWAY
    return Readiness.OK


class _NotApplied(Exception):
    """A migration waits."""


def probe_migrations() -> Readiness:
    """Return OK, NOT_APPLIED where one waits, NOT_KNOWN where the database does not say."""
    try:
        require_migrations()
    except _NotApplied:
        return Readiness.NOT_APPLIED
    except Error:
        return Readiness.NOT_KNOWN
    return Readiness.OK


@cache
def require_migrations() -> None:
    """Raise while a migration waits. Once none does it stays so: to look reads every file of them."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise _NotApplied


def probe_keys() -> Readiness:
    """Return whether the keys of the environment are those of the data, by the newest waybill."""
    try:
        newest = Waybill.objects.posted().order_by("-pk").first()
        if newest is None or newest.sealed is None:
            return Readiness.OK
        _, receiver = unseal_waybill(newest.no, bytes(newest.sealed), ("", ""), ("", ""))
    except SealBroken:
        return Readiness.SEALED_OTHERWISE
    except Error:
        return Readiness.NOT_KNOWN
    if blind_index(receiver.phone) != bytes(newest.receiver_phone_index or b""):
        return Readiness.INDEXED_OTHERWISE
    return Readiness.OK


PROBES: Mapping[str, Callable[[], Readiness]] = {
    "database": probe_database,
    "migrations": probe_migrations,
    "keys": probe_keys,
}
