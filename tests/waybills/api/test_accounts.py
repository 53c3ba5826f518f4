"""Who may do what."""

from contextlib import ExitStack
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from tests.statements import counted_statements
from tests.waybills.api.conftest import MOMENT, Api, event, make_account, path, waybill
from waybills.api.views import PLACES
from waybills.models import ApiToken

pytestmark = pytest.mark.django_db

VOID = {"waybill_id": "SF1", "action_time": MOMENT, "action_type": 200001, "reason": "误扫"}
ENDPOINTS: list[tuple[str, str, Any, str, int]] = [
    ("post", "waybills/", waybill(), "add_waybill", 200),
    ("get", "waybills/SF0/", None, "view_waybill", 404),
    ("post", "paths/", path(), "add_path", 200),
    ("post", "paths/void/", VOID, "void_path", 404),
    ("get", "pushes/", None, "view_push", 200),
    ("post", "pushes/1/retry/", None, "send_push", 404),
    ("get", "cells/", None, "view_cell", 200),
    ("put", "cells/", [], "change_cell", 200),
    ("get", "line/", None, "view_line", 200),
    ("post", "line/stop/", {"reason": "维护"}, "operate_line", 200),
    ("post", "line/resume/", None, "operate_line", 200),
]


def call(api: Api, method: str, address: str, body: Any) -> Any:
    return api.get(address) if method == "get" else getattr(api, method)(address, body)


@pytest.mark.parametrize(("method", "address", "body", "permission", "status"), ENDPOINTS)
def test_each_endpoint_needs_its_own_permission(
    api: Api, method: str, address: str, body: Any, permission: str, status: int
) -> None:
    account = User.objects.get()

    with_all = call(api, method, address, body)
    account.user_permissions.remove(Permission.objects.get(codename=permission))
    without = call(api, method, address, body)
    account.user_permissions.set([Permission.objects.get(codename=permission)])
    with_one = call(api, method, address, body)

    assert (with_all.status_code, with_one.status_code) == (status, status)
    assert (without.status_code, without.json()["code"]) == (403, "permission_denied")


@pytest.mark.parametrize(("method", "address", "body"), [endpoint[:3] for endpoint in ENDPOINTS])
def test_no_endpoint_answers_without_a_token(stranger: Api, method: str, address: str, body: Any) -> None:
    response = call(stranger, method, address, body)

    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")
    assert response["WWW-Authenticate"] == "Token"


@pytest.mark.parametrize("header", ["Token nonsense", "Token", "Token ", "Token a b", "token x", "Token \xff\xfe"])
def test_a_token_that_is_none_of_ours_is_refused(token: str, header: str) -> None:
    response = Client().get("/api/v1/cells/", headers={"authorization": header})

    assert (response.status_code, response.json()["code"]) == (401, "authentication_failed")
    assert response["WWW-Authenticate"] == "Token"


@pytest.mark.parametrize("header", ["Basic b21zOng=", "Bearer {token}", "{token}"])
def test_another_scheme_is_no_token(token: str, header: str) -> None:
    response = Client().get("/api/v1/cells/", headers={"authorization": header.format(token=token)})

    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")


def test_the_token_of_an_account_that_was_switched_off_is_refused(api: Api) -> None:
    User.objects.update(is_active=False)

    assert api.get("cells/").status_code == 401


def test_a_rotated_token_is_refused(api: Api) -> None:
    make_account("oms", "--rotate")

    refused = api.get("cells/")

    assert (refused.status_code, refused.json()["code"]) == (401, "authentication_failed")


def test_a_staff_session_is_no_token(client: Client, admin_user: User) -> None:
    client.force_login(admin_user)

    assert client.get("/api/v1/cells/").status_code == 401


def test_the_token_is_stored_as_its_hash(token: str) -> None:
    stored = bytes(ApiToken.objects.get().digest)

    assert stored == ApiToken.digest_of(token)
    assert token.encode() not in stored


def test_paths_inside_a_waybill_need_the_permission_of_paths(api: Api) -> None:
    User.objects.get().user_permissions.remove(Permission.objects.get(codename="add_path"))

    alone = api.post("waybills/", waybill("SF1"))
    with_paths = api.post("waybills/", waybill("SF2", paths=[event()]))

    assert (alone.status_code, with_paths.status_code) == (200, 403)
    assert api.get("waybills/SF2/").status_code == 404


def test_a_method_that_an_address_does_not_have_is_refused(token: str) -> None:
    response = Client().delete("/api/v1/cells/", headers={"authorization": f"Token {token}"})

    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")


def test_a_method_that_an_address_does_not_have_takes_no_place_from_those_who_show_a_token() -> None:
    with ExitStack() as others:
        for other in range(PLACES.most):
            others.enter_context(PLACES.place(-1 - other, is_write=False))
        response = Client().delete("/api/v1/cells/")

    assert response.status_code == 405


def test_a_head_request_needs_what_a_get_needs(token: str) -> None:
    headers = {"authorization": f"Token {token}"}

    allowed = Client().head("/api/v1/cells/", headers=headers)
    User.objects.get().user_permissions.clear()
    denied = Client().head("/api/v1/cells/", headers=headers)

    assert (allowed.status_code, denied.status_code) == (200, 403)


@pytest.mark.parametrize("address", ["", "nothing/", "waybills", "pushes/x/retry/", "pushes/-1/retry/"])
@pytest.mark.parametrize("method", ["get", "post", "options"])
def test_an_unknown_address_is_answered_in_the_same_shape(client: Client, address: str, method: str) -> None:
    response = getattr(client, method)(f"/api/v1/{address}")

    assert response.status_code == 404
    assert set(response.json()) == {"code", "detail"}


def test_whatever_a_client_accepts_the_answer_is_json(token: str) -> None:
    headers = {"authorization": f"Token {token}", "accept": "text/html"}

    response = Client().get("/api/v1/cells/?format=xml", headers=headers)

    assert (response.status_code, response["Content-Type"]) == (200, "application/json")


def test_knowing_the_caller_and_its_rights_takes_two_statements(api: Api) -> None:
    api.get("cells/")  # notes the token's use, once a minute

    with counted_statements() as statements:
        api.post("paths/", [])

    assert len(statements) == 2
