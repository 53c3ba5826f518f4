"""The back-query that a pathnotify causes, and what is made of the carrier's answers."""

from typing import Any

import pytest

from tests.sandbox.carrier import OPENID, USERNAME
from tests.sandbox.conftest import RECEIVER, node_of, push

pytestmark = pytest.mark.asyncio
MODES = ["safe", "compat", "plain"]
FORMATS = ["xml", "json"]
BOUND = {"errcode": 0, "errmsg": "ok", "exist": 1}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("data_format", FORMATS)
async def test_the_callback_is_asked_while_the_call_waits_and_its_agreement_delivers_the_message(
    sandbox: Any, mode: str, data_format: str
):
    async with sandbox(mode, data_format) as far:
        await far.bind()

        answer = await far.notify()

        phone = (await far.get("/sandbox/api/state"))["phones"][0]

    assert answer == BOUND
    (query,) = far.carrier.queries
    assert query["Event"] == "waybill_notify_query"
    assert (query["MsgType"], query["WaybillId"]) == ("event", "SF100200300")
    assert (query["ToUserName"], query["FromUserName"]) == (USERNAME, OPENID)
    assert (query["SenderPhone"], query["ReceiverPhone"]) == ("13800138001", RECEIVER)
    assert query["CreateTime"] == ("1700000000" if data_format == "xml" else 1_700_000_000)
    assert [message["text"] for message in phone["messages"]] == ["快件正在派送 <请&留意>"]


@pytest.mark.parametrize("data_format", FORMATS)
async def test_in_compat_mode_a_plain_reply_works_too(sandbox: Any, data_format: str):
    async with sandbox("compat", data_format) as far:
        far.carrier.seals = False

        assert (await far.notify())["errcode"] == 0


@pytest.mark.parametrize(
    ("mode", "wrong"),
    [
        ("safe", {"seals": False}),
        ("safe", {"appid": "wx0000000000000000"}),
        ("safe", {"key": bytes(32)}),
        ("safe", {"envelope_changes": {"MsgSignature": "0" * 40}}),
        ("safe", {"envelope_changes": {"Nonce": "1"}}),
        ("safe", {"envelope_changes": {"TimeStamp": 1}}),
        ("compat", {"envelope_changes": {"MsgSignature": "0" * 40}}),
        ("plain", {"raw": b"<xml><Encrypt>AAAA</Encrypt></xml>"}),
        ("plain", {"raw": b""}),
        ("plain", {"raw": b"success"}),
        ("plain", {"raw": b"<xml><ToUserName>"}),
        ("plain", {"raw": b"<html></html>"}),
        ("plain", {"raw": b"{}"}),
        ("plain", {"changes": {"ToUserName": USERNAME, "FromUserName": OPENID}}),
        ("plain", {"changes": {"ResultCode": "OK"}}),
        ("plain", {"changes": {"ResultCode": None}}),
        ("plain", {"changes": {"ResultMsg": None}}),
        ("plain", {"changes": {"CreateTime": None}}),
        ("plain", {"changes": {"WaybillCreateTime": None}}),
        ("plain", {"changes": {"Event": "other"}}),
        ("plain", {"changes": {"MsgType": "text"}}),
        ("plain", {"changes": {"Path": "none"}}),
        ("plain", {"changes": {"Path": {"ActionTime": "1", "ActionType": "1", "ActionMsg": {"a": "b"}}}}),
        ("plain", {"changes": {"Path": {"ActionTime": "soon", "ActionType": "1", "ActionMsg": "x"}}}),
    ],
    ids=str,
)
async def test_a_nonsense_reply_is_932001(sandbox: Any, mode: str, wrong: dict[str, Any]):
    async with sandbox(mode, "xml") as far:
        await far.bind()
        for name, value in wrong.items():
            setattr(far.carrier, name, value)

        answer = await far.notify()

        noted = await far.newest_call()
        state = await far.get("/sandbox/api/state")

    assert answer["errcode"] == 932001
    assert noted["note"]
    assert state["messages_sent"] == 0
    assert len(far.carrier.queries) == 1


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"ResultCode": "0"}, 932001),
        ({"WaybillCreateTime": "1600000000"}, 932001),
        ({"Path": {"ActionTime": 1}}, 932001),
        ({"Path": [1]}, 932001),
        ({"Event": "WayBill_Notify_Query"}, 0),
    ],
    ids=str,
)
async def test_in_json_numbers_are_numbers_and_path_is_a_list(sandbox: Any, changes: dict[str, Any], errcode: int):
    async with sandbox("plain", "json") as far:
        far.carrier.changes = changes

        assert (await far.notify())["errcode"] == errcode


@pytest.mark.parametrize("raw", [b"[1]", b"not json", b"[" * 100_000], ids=["a list", "no JSON", "deep"])
async def test_in_json_an_answer_that_is_no_object_is_932001(sandbox: Any, raw: bytes):
    async with sandbox("plain", "json") as far:
        far.carrier.raw = raw

        assert (await far.notify())["errcode"] == 932001


@pytest.mark.parametrize("data_format", FORMATS)
async def test_a_result_code_that_refuses_is_932002(sandbox: Any, data_format: str):
    async with sandbox("safe", data_format) as far:
        far.carrier.changes = {"ResultCode": 1002, "ResultMsg": "not the receiver", "WaybillCreateTime": 0}

        answer = await far.notify()

        noted = await far.newest_call()

    assert answer["errcode"] == 932002
    assert "1002" in noted["note"]


@pytest.mark.parametrize(
    "difference",
    [
        {"ActionTime": 1_600_000_101},
        {"ActionType": 300003},
        {"ActionMsg": "快件正在派送 <请&留意> "},
    ],
    ids=str,
)
@pytest.mark.parametrize("data_format", FORMATS)
async def test_a_trail_without_the_pushed_node_is_932003(sandbox: Any, data_format: str, difference: dict[str, Any]):
    body = push()
    async with sandbox("safe", data_format) as far:
        far.carrier.nodes = [node_of(body) | difference]

        answer = await far.call("pathnotify", body)

    assert answer["errcode"] == 932003


@pytest.mark.parametrize("data_format", FORMATS)
async def test_an_empty_trail_and_another_creation_time_are_932003(sandbox: Any, data_format: str):
    async with sandbox("safe", data_format) as far:
        empty = await far.call("pathnotify", push())
        far.carrier.create_time += 1
        other = await far.notify()

    assert (empty["errcode"], other["errcode"]) == (932003, 932003)


async def test_an_http_5xx_is_asked_again_with_the_same_bytes_three_times_in_all(sandbox: Any):
    async with sandbox() as far:
        far.carrier.statuses.extend([500, 503])

        answer = await far.notify()

        noted = await far.newest_call()

    assert answer["errcode"] == 0
    assert len(far.carrier.seen) == 3
    assert far.carrier.seen[0] == far.carrier.seen[1] == far.carrier.seen[2]
    assert [entry.split(",")[0] for entry in noted["back_queries"]] == ["HTTP 500", "HTTP 503", "HTTP 200"]


async def test_three_5xx_are_932001(sandbox: Any):
    async with sandbox() as far:
        far.carrier.statuses.extend([500, 500, 500, 200])

        answer = await far.notify()

    assert answer["errcode"] == 932001
    assert len(far.carrier.seen) == 3


@pytest.mark.parametrize("status", [403, 301])
async def test_a_refused_or_redirected_query_is_932001_at_once(sandbox: Any, status: int):
    async with sandbox() as far:
        far.carrier.statuses.append(status)

        answer = await far.notify()

    assert answer["errcode"] == 932001
    assert len(far.carrier.seen) == 1


async def test_a_callback_that_answers_too_late_is_tried_three_times(sandbox: Any):
    async with sandbox(back_query_timeout=0.05) as far:
        far.carrier.delay = 0.3

        answer = await far.notify()

        noted = await far.newest_call()

    assert answer["errcode"] == 932001
    assert len(noted["back_queries"]) == 3
    assert "did not answer" in noted["note"]


async def test_a_callback_that_nobody_listens_at_is_932001(sandbox: Any):
    async with sandbox(callback_url="http://127.0.0.1:9/wechat/callback/") as far:
        answer = await far.notify()

    assert answer["errcode"] == 932001


async def test_an_unbound_phone_gets_errcode_0_exist_0_and_no_message_but_the_trail_is_taken(sandbox: Any):
    async with sandbox() as far:
        answer = await far.notify()

        state = await far.get("/sandbox/api/state")
        trail = await far.get("/sandbox/api/trail?waybill_id=SF100200300")

    assert answer == {"errcode": 0, "errmsg": "ok", "exist": 0}
    assert state["messages_sent"] == 0
    assert len(trail["trail"]) == 1


async def test_only_300002_and_300003_make_a_message_and_every_type_updates_the_trail(sandbox: Any):
    async with sandbox(bind_all=True) as far:
        bodies = [
            push(path__action_type=code, path__action_time=1_600_000_000 + place)
            for place, code in enumerate([100001, 200001, 300002, 300003])
        ]
        for place, body in enumerate(bodies):
            far.carrier.nodes = [node_of(sent) for sent in bodies[: place + 1]]
            await far.call("pathnotify", body)

        (phone,) = (await far.get("/sandbox/api/state"))["phones"]
        trail = (await far.get("/sandbox/api/trail?waybill_id=SF100200300"))["trail"]

    assert [message["action_type"] for message in phone["messages"]] == [300003, 300002]
    assert [message["title"] for message in phone["messages"]] == ["快件已签收", "快件派送中"]
    assert [node["action_type"] for node in trail] == [300003, 300002, 200001, 100001]
    assert phone["waybills"][0]["latest"]["action_type"] == 300003


async def test_a_courier_and_other_nodes_in_the_reply_are_no_difference(sandbox: Any):
    body = push()
    older = {"ActionTime": 1_600_000_001, "ActionType": 300001, "ActionMsg": ""}
    async with sandbox() as far:
        far.carrier.nodes = [node_of(body) | {"DeliveryCourierName": "王五"}, older]

        assert (await far.call("pathnotify", body))["errcode"] == 0


async def test_without_back_query_the_pushed_nodes_alone_make_the_trail_each_once(sandbox: Any):
    async with sandbox(back_query=False, bind_all=True) as far:
        for moment in (1_600_000_100, 1_600_000_200, 1_600_000_200):
            await far.call("pathnotify", push(path__action_time=moment))

        trail = (await far.get("/sandbox/api/trail?waybill_id=SF100200300"))["trail"]

    assert far.carrier.seen == []
    assert [node["action_time"] for node in trail] == [1_600_000_200, 1_600_000_100]
