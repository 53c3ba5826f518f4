"""The API as a carrier's system calls it; every answer is held against the API's own description."""

import io
import re
import time
from typing import Any

import orjson
import pytest
from django.core.management import call_command
from django.http import HttpResponse
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator

MOMENT = int(time.time()) - 600
"""Of the least event: recent enough for its push to be worth sending."""
RECEIVER = {"name": "李四", "phone": "13800138000"}


def waybill(no: str = "SF1", **fields: Any) -> dict[str, Any]:
    return {"waybill_id": no, "create_time": MOMENT - 600, "receiver": RECEIVER, **fields}


def event(**fields: Any) -> dict[str, Any]:
    return {"action_time": MOMENT, "action_type": 200001, "action_msg": "快件到达", **fields}


def path(no: str = "SF1", **fields: Any) -> dict[str, Any]:
    return {"waybill_id": no, **event(**fields)}


def make_account(name: str = "oms", *options: str) -> str:
    output = io.StringIO()
    call_command("service_account", name, *options, stdout=output, stderr=io.StringIO())
    return output.getvalue().strip()


@pytest.fixture(scope="session")
def description() -> dict[str, Any]:
    """Return the OpenAPI description."""
    return orjson.loads(orjson.dumps(SchemaGenerator().get_schema(request=None, public=True)))


class Api:
    """A client with a token."""

    def __init__(self, token: str | None, description: dict[str, Any]) -> None:
        self._client = Client()
        self._headers = {"authorization": f"Token {token}"} if token else {}
        self._description = description

    def get(self, address: str) -> HttpResponse:
        return self._checked("get", address, self._client.get(f"/api/v1/{address}", headers=self._headers))

    def post(self, address: str, body: Any = None, **options: Any) -> HttpResponse:
        return self._send("post", address, body, **options)

    def put(self, address: str, body: Any = None, **options: Any) -> HttpResponse:
        return self._send("put", address, body, **options)

    def _send(
        self, method: str, address: str, body: Any, content_type: str = "application/json", encoding: str = ""
    ) -> HttpResponse:
        raw = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        headers = self._headers | ({"content-encoding": encoding} if encoding else {})
        response = getattr(self._client, method)(
            f"/api/v1/{address}", data=raw, content_type=content_type, headers=headers
        )
        return self._checked(method, address, response)

    def _checked(self, method: str, address: str, response: HttpResponse) -> HttpResponse:
        operation = self._operation(method, address.partition("?")[0])
        if operation is not None:
            answer = operation["responses"][str(response.status_code)]["content"]["application/json"]["schema"]
            Draft202012Validator({**answer, "components": self._description["components"]}).validate(
                orjson.loads(response.content)
            )
        return response

    def _operation(self, method: str, address: str) -> dict[str, Any] | None:
        for template, operations in self._description["paths"].items():
            pattern = re.sub(r"\\{.*?\\}", ".+?", re.escape(template))
            if re.fullmatch(pattern, f"/api/v1/{address}") and method in operations:
                return operations[method]
        return None


@pytest.fixture
def token(db: None) -> str:
    return make_account()


@pytest.fixture
def api(token: str, description: dict[str, Any]) -> Api:
    """Return a client with the token of a service account."""
    return Api(token, description)


@pytest.fixture
def stranger(db: None, description: dict[str, Any]) -> Api:
    """Return a client without a token."""
    return Api(None, description)
