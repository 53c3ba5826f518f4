"""Every error under /api/ has one shape, whoever answers it."""

from typing import Any

import orjson
import pytest
from django.http import HttpResponse
from django.test import Client

from tests.waybills.api.conftest import Api, path
from waybills.models import Path

pytestmark = pytest.mark.django_db

Headers = dict[str, str]


@pytest.fixture
def headers(token: str) -> Headers:
    return {"authorization": f"Token {token}"}


def shape(response: HttpResponse) -> tuple[int, str]:
    """Return (status, code) of an error; fail where it has another shape."""
    assert response["Content-Type"] == "application/json"
    body = orjson.loads(response.content)
    assert {"code", "detail"} <= set(body) <= {"code", "detail", "fields"}
    assert body["detail"]
    return response.status_code, body["code"]


@pytest.mark.parametrize("address", ["/api", "/api/", "/api/v2/waybills/", "/api/v1/nothing", "/api/schema", "/api/x"])
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_an_unknown_address(client: Client, address: str, method: str) -> None:
    assert shape(getattr(client, method)(address)) == (404, "not_found")


@pytest.mark.parametrize(
    ("address", "method"), [("v1/cells/", "delete"), ("v1/paths/", "get"), ("schema/", "post"), ("docs/", "post")]
)
def test_a_method_that_is_not_there(client: Client, headers: Headers, address: str, method: str) -> None:
    response = getattr(client, method)(f"/api/{address}", headers=headers)

    assert shape(response) == (405, "method_not_allowed")
    assert response["Allow"]


@pytest.mark.parametrize("query", ["?format=nonsense", ""])
def test_a_description_that_cannot_be_had_in_that_form(client: Client, query: str) -> None:
    response = client.get(f"/api/schema/{query}", headers={"accept": "image/png"})

    assert shape(response)[0] in {404, 406}


def test_a_host_that_is_not_ours(client: Client) -> None:
    assert shape(client.get("/api/v1/cells/", headers={"host": "elsewhere.example"})) == (400, "bad_request")
    elsewhere = client.get("/admin/login/", headers={"host": "elsewhere.example"})
    assert (elsewhere.status_code, elsewhere["Content-Type"].partition(";")[0]) == (400, "text/html")


def test_what_nobody_foresaw(headers: Headers, change: Any) -> None:
    client = Client(raise_request_exception=False)
    change("API", rate=None)

    response = client.get("/api/v1/cells/", headers=headers)

    assert shape(response) == (500, "error")
    assert "TypeError" not in response.content.decode()


def test_no_error_of_the_body_is_of_another_shape(api: Api, client: Client, headers: Headers) -> None:
    address = "/api/v1/paths/"
    post = {"content_type": "application/json", "headers": headers}

    assert shape(client.post(address, b"{", **post)) == (400, "not_json")
    assert shape(client.post(address, b" " * (4 * 1024 * 1024 + 1), **post)) == (413, "too_large")
    assert shape(client.post(address, b"x", content_type="text/csv", headers=headers)) == (
        415,
        "unsupported_media_type",
    )
    assert shape(client.post(address, b"{}", content_type="application/json")) == (401, "not_authenticated")
    assert not Path.objects.exists()
    assert api.post("paths/", path()).status_code == 200
