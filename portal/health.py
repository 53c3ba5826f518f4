"""Probes: whether the process lives, and whether it can do its work."""

from collections.abc import Callable, Mapping
from functools import cache

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

from waybills.documents import unseal_waybill
from waybills.models import Waybill
from waybills.sealing import SealBroken, blind_index

OK = "ok"


def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200: the process is alive."""
    return HttpResponse("ok", "text/plain; charset=utf-8")


def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 where database, migrations and keys are in order, else 503; the body says which is not."""
    findings = {name: probe() for name, probe in PROBES.items()}
    is_ready = all(finding == OK for finding in findings.values())
    return JsonResponse(findings, status=200 if is_ready else 503)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        connection.close()
        return "away"
    return OK


class _NotApplied(Exception):
    """A migration waits."""


def _migrations() -> str:
    try:
        _require_migrations()
    except _NotApplied:
        return "not applied"
    except Error:
        return "not known"
    return OK


@cache
def _require_migrations() -> None:
    """Raise _NotApplied while a migration waits. Once none does it stays so: to look reads every file of them."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise _NotApplied


def _keys() -> str:
    """Say whether the keys of the environment are those of the data, by the newest waybill."""
    try:
        newest = Waybill.objects.posted().order_by("-pk").first()
        if newest is None or newest.sealed is None:
            return OK
        _, receiver = unseal_waybill(newest.no, bytes(newest.sealed), ("", ""), ("", ""))
    except SealBroken:
        return "PII_KEYS does not open what is stored"
    except Error:
        return "not known"
    if blind_index(receiver.phone) != bytes(newest.receiver_phone_index or b""):
        return "PII_INDEX_KEY is not the one of what is stored"
    return OK


PROBES: Mapping[str, Callable[[], str]] = {"database": _database, "migrations": _migrations, "keys": _keys}
