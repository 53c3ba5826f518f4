"""A carrier's client of WeChat's logistics push as WeChat documents it: `requests`, and nothing of the portal's.

Sources: 接口调用凭证 (stable_token, token) and 手机号物流消息推送, 5.3.
"""

import json
from dataclasses import dataclass
from typing import Any

import requests

TIMEOUT = 30


@dataclass
class WechatClient:
    """One mini program. base: https://api.weixin.qq.com, or whatever stands for it."""

    base: str
    appid: str
    secret: str

    def stable_token(self, **changes: Any) -> dict[str, Any]:
        body = {"grant_type": "client_credential", "appid": self.appid, "secret": self.secret, "force_refresh": False}
        return self.post("/cgi-bin/stable_token", _dumps({**body, **changes}))

    def token(self, **changes: str) -> dict[str, Any]:
        query = {"grant_type": "client_credential", "appid": self.appid, "secret": self.secret, **changes}
        return self.get("/cgi-bin/token", query)

    def userquery(self, access_token: str, phone: str) -> dict[str, Any]:
        return self.call("userquery", access_token, {"phone": phone})

    def pathnotify(self, access_token: str, push: dict[str, Any]) -> dict[str, Any]:
        return self.call("pathnotify", access_token, push)

    def call(self, name: str, access_token: str, body: Any) -> dict[str, Any]:
        raw = body if isinstance(body, bytes) else _dumps(body)
        # As most clients write it: the token as it came, no escaping.
        query = f"?access_token={access_token}" if access_token else ""
        return self.post(f"/cgi-bin/express/delivery/{name}{query}", raw)

    def get(self, path: str, query: dict[str, str] | None = None) -> dict[str, Any]:
        return _read(requests.get(self.base + path, params=query, timeout=TIMEOUT))

    def post(self, path: str, raw: bytes) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        return _read(requests.post(self.base + path, data=raw, headers=headers, timeout=TIMEOUT))


def _dumps(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def _read(response: requests.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"].startswith("application/json")
    answer: dict[str, Any] = response.json()
    return answer
