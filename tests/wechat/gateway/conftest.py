"""The gateway as a carrier's system calls it, in this process."""

import io
from typing import Any

import orjson
import pytest
from django.core.management import call_command
from django.test import Client

NAME = "oms"


class Gateway:
    """A client of the gateway. secret: the API token of the account `oms`."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.http = Client()

    def stable_token(self, **changes: Any) -> dict[str, Any]:
        body = {"grant_type": "client_credential", "appid": NAME, "secret": self.secret} | changes
        return self._post("stable_token", orjson.dumps(body))

    def call(self, name: str, body: Any, access_token: str = "") -> dict[str, Any]:
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        token = access_token or self.stable_token()["access_token"]
        return self._post(f"express/delivery/{name}?access_token={token}", raw)

    def _post(self, path: str, raw: bytes) -> dict[str, Any]:
        response = self.http.post(f"/gateway/cgi-bin/{path}", raw, content_type="application/json")
        assert response.status_code == 200
        answer: dict[str, Any] = orjson.loads(response.content)
        return answer


def make_secret(*options: str) -> str:
    output = io.StringIO()
    call_command("service_account", NAME, *options, stdout=output, stderr=io.StringIO())
    return output.getvalue().strip()


@pytest.fixture
def gateway(db: None) -> Gateway:
    """Return a client with an account."""
    return Gateway(make_secret())
