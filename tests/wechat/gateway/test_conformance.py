"""One plain client against the gateway and against the sandbox: the same calls, the same answers."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from tests.end_to_end.system import ROOT, System, system
from tests.live import eventually
from tests.wechat.gateway.carrier_client import WechatClient
from tests.wechat.gateway.samples import PATHNOTIFY, PHONE, USERQUERY, push

pytestmark = pytest.mark.processes

BOUND, UNBOUND, OTHER = PHONE, "13700137000", "13600136000"
EXPIRED = """
import time
from waybills.models import ApiToken
from wechat.gateway.access import LIFETIME, grant
print(grant(ApiToken.objects.get(), time.time() - LIFETIME).access_token)
"""


@dataclass
class Side:
    """One of the two that answer as WeChat does."""

    name: str
    client: WechatClient
    expired_token: Callable[[], str]

    def token(self) -> str:
        return str(self.client.stable_token()["access_token"])


@pytest.fixture(scope="module")
def running(tmp_path_factory: Any) -> Iterator[System]:
    with system(tmp_path_factory.mktemp("gateway")) as one:
        one.bind(BOUND)
        # The sample's waybill is pushed to the sandbox by the test's own hand: no portal to ask back.
        fault = {"call": "pathnotify", "kind": "no_back_query", "phone": BOUND, "times": None}
        requests.post(f"{one.sandbox}/sandbox/api/faults", json=fault, timeout=10).raise_for_status()
        yield one


@pytest.fixture(params=["gateway", "sandbox"])
def side(request: Any, running: System) -> Side:
    return gateway_of(running) if request.param == "gateway" else _sandbox_of(running)


def gateway_of(running: System) -> Side:
    def expired() -> str:
        command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", EXPIRED]
        return subprocess.run(
            command, cwd=ROOT, env=running.environment, capture_output=True, text=True, timeout=60, check=True
        ).stdout.strip()

    return Side("gateway", WechatClient(f"{running.portal}/gateway", "carrier", running.token), expired)


def _sandbox_of(running: System) -> Side:
    client = WechatClient(running.sandbox, running.environment["WECHAT_APPID"], running.environment["WECHAT_SECRET"])

    def expired() -> str:
        token = client.stable_token()["access_token"]
        requests.post(f"{running.sandbox}/sandbox/api/tokens/expire", json={}, timeout=10).raise_for_status()
        return str(token)

    return Side("sandbox", client, expired)


def assert_refused(answer: dict[str, Any], errcode: int) -> None:
    assert answer["errcode"] == errcode, answer
    assert set(answer) == {"errcode", "errmsg"}
    assert re.search(r" rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}$", answer["errmsg"])


def test_stable_token_gives_everyone_the_same_token(side: Side) -> None:
    first, second = side.client.stable_token(), side.client.stable_token()

    assert set(first) == {"access_token", "expires_in"}
    assert first["access_token"] == second["access_token"]
    assert 300 < second["expires_in"] <= first["expires_in"] <= 7200
    assert re.fullmatch(r"[A-Za-z0-9_.-]{20,512}", first["access_token"])


def test_force_refresh_voids_the_token_and_the_next_one_works(side: Side) -> None:
    old = side.token()

    new = side.client.stable_token(force_refresh=True)["access_token"]

    assert new != old
    assert side.token() == new
    assert_refused(side.client.userquery(old, BOUND), 40001)
    assert side.client.userquery(new, BOUND)["errcode"] == 0


def test_the_older_token_call_gives_one_that_works(side: Side) -> None:
    answer = side.client.token()

    assert set(answer) == {"access_token", "expires_in"}
    assert side.client.userquery(answer["access_token"], BOUND)["errcode"] == 0


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"secret": "of another"}, 40125),
        ({"secret": ""}, 41004),
        ({"appid": "nobody"}, 40013),
        ({"appid": ""}, 41002),
        ({"grant_type": "authorization_code"}, 40002),
    ],
    ids=str,
)
def test_wrong_credentials_are_told_apart(side: Side, changes: dict[str, str], errcode: int) -> None:
    assert_refused(side.client.stable_token(**changes), errcode)
    assert_refused(side.client.token(**changes), errcode)


def test_what_is_no_request_for_a_token(side: Side) -> None:
    assert_refused(side.client.stable_token(force_refresh="yes"), 40097)
    assert_refused(side.client.post("/cgi-bin/stable_token", b"grant_type=client_credential"), 47001)
    assert_refused(side.client.post("/cgi-bin/stable_token", b""), 44002)
    assert_refused(side.client.get("/cgi-bin/stable_token"), 43002)
    assert_refused(side.client.post("/cgi-bin/token", b"{}"), 43001)


@pytest.mark.parametrize("name", ["userquery", "pathnotify"])
def test_access_tokens_that_do_not_work(side: Side, name: str) -> None:
    body = push() if name == "pathnotify" else USERQUERY

    assert_refused(side.client.call(name, "", body), 41001)
    assert_refused(side.client.call(name, "made-up", body), 40001)
    assert_refused(side.client.call(name, side.token() + "x", body), 40001)
    assert_refused(side.client.call(name, side.expired_token(), body), 42001)
    assert_refused(side.client.get(f"/cgi-bin/express/delivery/{name}"), 43002)


def test_userquery_tells_who_is_bound(side: Side) -> None:
    token = side.token()

    assert side.client.call("userquery", token, USERQUERY) == {"errcode": 0, "errmsg": "ok", "exist": 1}
    assert side.client.userquery(token, UNBOUND) == {"errcode": 0, "errmsg": "ok", "exist": 0}


@pytest.mark.parametrize(
    ("raw", "errcode"),
    [
        (b"", 44002),
        (b"phone=13800138000", 47001),
        (b'{"phone":"13800138000"', 47001),
        (b'["13800138000"]', 47001),
        ('{"phone":"13800138000","name":"张"}'.encode("gbk"), 47001),
        (b'{"phone":NaN}', 47001),
        (b"x" * 65537, 45002),
        (b"{}", 40097),
        (b'{"phone":null}', 40097),
        (b'{"phone":13800138000}', 40097),
        (b'{"phone":["13800138000"]}', 40097),
        (b'{"phone":"1380013800"}', 40097),
        (b'{"phone":"057188888888"}', 40097),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_userquery_refuses_what_is_no_phone(side: Side, raw: bytes, errcode: int) -> None:
    assert_refused(side.client.call("userquery", side.token(), raw), errcode)


def test_the_sample_is_accepted_and_says_whether_the_receiver_is_bound(side: Side) -> None:
    token = side.token()
    side.client.userquery(token, BOUND)

    assert side.client.pathnotify(token, push()) == {"errcode": 0, "errmsg": "ok", "exist": 1}
    assert side.client.pathnotify(token, push(sender={})) == {"errcode": 0, "errmsg": "ok", "exist": 1}
    assert side.client.pathnotify(token, push(receiver={"name": "李四", "phone": BOUND}))["errcode"] == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"receiver": ...},
        {"receiver": "李四"},
        {"receiver__name": ...},
        {"receiver__name": ""},
        {"receiver__name": 4},
        {"receiver__phone": ...},
        {"receiver__phone": 13800138000},
        {"receiver__phone": "0595-85888888"},
        {"receiver__address": ["庄宅北区158-6"]},
        {"sender": []},
        {"sender__phone": 13800138001},
        {"waybill_id": ...},
        {"waybill_id": ""},
        {"waybill_id": 1234567890},
        {"path": ...},
        {"path": []},
        {"path__action_time": ...},
        {"path__action_time": "1597396101"},
        {"path__action_time": 1597396101000},
        {"path__action_time": True},
        {"path__action_type": ...},
        {"path__action_type": "200001"},
        {"path__action_type": 300001},
        {"path__action_type": 0},
        {"path__action_msg": ...},
        {"path__action_msg": ""},
        {"path__action_msg": {"text": "快件到达"}},
        {"path__delivery_courier_phone": 10086},
        {"create_time": "1597390000"},
        {"create_time": 0},
        {"create_time": 1597390000000},
    ],
    ids=str,
)
def test_pathnotify_refuses_missing_and_mistyped_fields(side: Side, changes: dict[str, Any]) -> None:
    assert_refused(side.client.pathnotify(side.token(), push(**changes)), 40097)


@pytest.mark.parametrize(("raw", "errcode"), [(b"", 44002), (b"<xml/>", 47001), (b"[]", 47001), (b"0" * 65537, 45002)])
def test_pathnotify_refuses_what_is_no_object(side: Side, raw: bytes, errcode: int) -> None:
    assert_refused(side.client.call("pathnotify", side.token(), raw), errcode)


def test_the_sample_as_it_stands_without_create_time_is_stored_by_the_gateway(running: System) -> None:
    gateway = gateway_of(running)

    answer = gateway.client.call("pathnotify", gateway.token(), PATHNOTIFY)

    assert answer["errcode"] == 0
    assert "1234567890" in running.waybill_page("1234567890")


def test_a_pathnotify_to_the_gateway_reaches_wechat_and_the_phone_by_itself(running: System) -> None:
    running.bind(OTHER)
    gateway, now = gateway_of(running), int(time.time())
    token = gateway.token()
    body = push(
        waybill_id="SF700",
        create_time=now - 3600,
        receiver__phone=OTHER,
        path__action_time=now - 5,
        path__action_type=300002,
        path__action_msg="【王五/13766668888】正在派件 <请保持电话畅通>",
    )

    asked = gateway.client.userquery(token, OTHER)
    answers = [gateway.client.pathnotify(token, body) for _ in range(3)]

    (message,) = eventually(lambda: running.messages(OTHER))
    assert asked["exist"] == 1
    assert answers == [{"errcode": 0, "errmsg": "ok", "exist": 1}] * 3
    assert message["text"] == body["path"]["action_msg"]
    (push_state,) = eventually(lambda: (found := running.pushes("SF700")) and found[0]["state"] == "sent" and found)
    assert push_state["action_type"] == 300002
    # Other tests void the portal's own token: a call that was refused for it is no push.
    reached = [call for call in running.ledger("pathnotify") if call["waybill_id"] == "SF700"]
    (pushed,) = [call for call in reached if call["errcode"] not in {40001, 42001}]
    assert (pushed["errcode"], pushed["exist"], pushed["phone"]) == (0, 1, OTHER)
    assert (pushed["action_time"], pushed["action_type"]) == (now - 5, 300002)


def test_a_slow_wechat_leaves_threads_for_its_own_back_queries(running: System) -> None:
    gateway, slow = gateway_of(running), "13500135000"
    token = gateway.token()
    fault = {"call": "userquery", "kind": "slow", "delay_ms": 3000, "phone": slow, "times": None}
    requests.post(f"{running.sandbox}/sandbox/api/faults", json=fault, timeout=10).raise_for_status()

    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(gateway.client.userquery, token, slow) for _ in range(4)]
        started = time.monotonic()
        time.sleep(0.5)
        assert requests.get(f"{running.portal}/wechat/callback/", timeout=10).status_code == 403
        took = time.monotonic() - started

    codes = sorted(one.result()["errcode"] for one in waiting)
    assert took < 2
    assert codes == [-1, -1, 0, 0]
