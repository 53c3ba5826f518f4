"""Tokens: their scopes beside the account's permissions, their end, and when they were last used."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from tests.statements import counted_statements
from tests.waybills.api.conftest import Api, make_account
from tests.waybills.api.test_accounts import ENDPOINTS, call
from waybills.api_tokens import SCOPE_OF, find_token, issue_token, may, revoke_tokens
from waybills.models import ApiToken, Scope

pytestmark = pytest.mark.django_db

NEEDS = {
    "add_waybill": Scope.INGEST,
    "add_path": Scope.INGEST,
    "void_path": Scope.INGEST,
    "view_waybill": Scope.READ,
    "view_push": Scope.READ,
    "view_cell": Scope.READ,
    "view_line": Scope.READ,
    "send_push": Scope.PUSH,
    "change_cell": Scope.PUSH,
    "operate_line": Scope.PUSH,
}


def limit(*scopes: Scope, **fields: Any) -> ApiToken:
    """Limit the only token there is."""
    token = ApiToken.objects.get()
    token.scopes = frozenset(scopes or Scope)
    for name, value in fields.items():
        setattr(token, name, value)
    token.save()
    return token


def test_a_token_is_in_force_for_no_person(api: Api) -> None:
    User.objects.update(is_staff=True)

    assert api.get("cells/").status_code == 401


@pytest.mark.parametrize(("method", "address", "body", "permission", "status"), ENDPOINTS)
def test_each_endpoint_needs_its_scope_and_its_permission(
    api: Api, method: str, address: str, body: Any, permission: str, status: int
) -> None:
    needed = NEEDS[permission]

    limit(needed)
    with_scope = call(api, method, address, body)
    User.objects.get().user_permissions.remove(Permission.objects.get(codename=permission))
    without_permission = call(api, method, address, body)
    limit(*(set(Scope) - {needed}))
    without_both = call(api, method, address, body)
    User.objects.get().user_permissions.add(Permission.objects.get(codename=permission))
    without_scope = call(api, method, address, body)

    assert with_scope.status_code == status
    assert (without_permission.status_code, without_permission.json()["code"]) == (403, "permission_denied")
    assert without_both.status_code == 403
    assert (without_scope.status_code, without_scope.json()["code"]) == (403, "missing_scope")
    assert needed in without_scope.json()["detail"]


def test_a_superuser_s_rights_are_limited_by_the_token_s_scopes_too(api: Api) -> None:
    User.objects.update(is_superuser=True)
    limit(Scope.READ)

    assert (api.get("line/").status_code, api.post("line/resume/").status_code) == (200, 403)


def test_a_service_may_ask_for_scope_and_permission_at_once(token: str) -> None:
    found = find_token(token)

    assert found is not None
    assert all(may(found, permission) for permission in SCOPE_OF)
    found.user = User.objects.create(username="without")
    assert not any(may(found, permission) for permission in SCOPE_OF)


@pytest.mark.parametrize(
    "fields", [{"expires_at": timezone.now() - timedelta(seconds=1)}, {"revoked_at": timezone.now()}], ids=str
)
def test_a_token_that_is_out_of_force_is_401(api: Api, fields: dict[str, datetime]) -> None:
    limit(**fields)

    response = api.get("cells/")

    assert (response.status_code, response.json()["code"]) == (401, "authentication_failed")
    assert response["WWW-Authenticate"] == "Token"


def test_a_token_is_in_force_until_the_very_moment(token: str) -> None:
    moment = timezone.now() + timedelta(days=1)
    limit(expires_at=moment)

    assert find_token(token, moment - timedelta(microseconds=1)) is not None
    assert find_token(token, moment) is None


def test_an_account_s_tokens_are_revoked_one_by_one(api: Api, token: str) -> None:
    account = User.objects.get()
    second = issue_token(ApiToken(user=account, name="ERP"), actor=None)

    assert revoke_tokens(ApiToken.objects.filter(name="ERP"), actor=None) == 1

    assert find_token(second) is None
    assert api.get("cells/").status_code == 200
    assert revoke_tokens(ApiToken.objects.filter(name="ERP"), actor=None) == 0


def test_a_token_without_a_scope_cannot_be_stored(token: str) -> None:
    with pytest.raises(IntegrityError, match="api_token_has_a_scope"), transaction.atomic():
        ApiToken.objects.update(may_ingest=False, may_read=False, may_push=False)


def test_the_last_use_is_written_once_a_minute(token: str) -> None:
    begin = timezone.now()

    def used(seconds: int) -> datetime | None:
        find_token(token, begin + timedelta(seconds=seconds))
        return ApiToken.objects.get().last_used_at

    assert [used(0), used(59), used(60)] == [begin, begin, begin + timedelta(seconds=60)]


def test_a_refused_token_is_not_in_use(api: Api) -> None:
    limit(revoked_at=timezone.now())

    api.get("cells/")

    assert ApiToken.objects.get().last_used_at is None


@pytest.mark.django_db(transaction=True)
def test_the_last_use_waits_for_no_other_writer() -> None:
    token = make_account()
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("BEGIN IMMEDIATE" if connection.vendor == "sqlite" else "BEGIN")
        cursor.execute("UPDATE waybills_apitoken SET name = 'held'")
    started = timezone.now()
    try:
        found = find_token(token)
    finally:
        with other.cursor() as cursor:
            cursor.execute("ROLLBACK")
        other.close()

    assert found is not None
    assert timezone.now() - started < timedelta(seconds=1)
    assert ApiToken.objects.get().last_used_at is None
    find_token(token)
    assert ApiToken.objects.get().last_used_at is not None


@pytest.mark.django_db(transaction=True)
def test_noting_the_use_leaves_the_connection_as_patient_as_before() -> None:
    if connection.vendor != "sqlite":
        with counted_statements() as statements:
            find_token(make_account())
        assert any("SKIP LOCKED" in statement for statement in statements)
        return
    with connection.cursor() as cursor:
        before = cursor.execute("PRAGMA busy_timeout").fetchone()
    find_token(make_account())
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA busy_timeout").fetchone() == before
