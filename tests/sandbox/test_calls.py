"""The four calls over HTTP: access tokens, validation, and what they answer."""

import re
from typing import Any

import pytest

from tests.sandbox.carrier import APPID
from tests.sandbox.conftest import API, RECEIVER, push

pytestmark = pytest.mark.asyncio


async def test_stable_token_gives_one_token_and_userquery_takes_it(sandbox: Any):
    async with sandbox() as far:
        first, second = await far.stable_token(), await far.stable_token()

        answer = await far.call("userquery", {"phone": RECEIVER})

    assert first["access_token"] == second["access_token"]
    assert first["expires_in"] == 7200
    assert answer == {"errcode": 0, "errmsg": "ok", "exist": 0}


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"secret": "wrong"}, 40125),
        ({"appid": "wx0000000000000000"}, 40013),
        ({"grant_type": "password"}, 40002),
        ({"appid": ""}, 41002),
        ({"secret": ""}, 41004),
        ({"force_refresh": "yes"}, 40097),
    ],
)
async def test_stable_token_refuses(sandbox: Any, changes: dict[str, Any], errcode: int):
    async with sandbox() as far:
        answer = await far.stable_token(**changes)

    assert answer["errcode"] == errcode
    assert "access_token" not in answer


async def test_a_forced_refresh_voids_the_old_token_for_calls(sandbox: Any):
    async with sandbox() as far:
        await far.call("userquery", {"phone": RECEIVER})

        await far.stable_token(force_refresh=True)

        assert (await far.call("userquery", {"phone": RECEIVER}))["errcode"] == 40001


async def test_the_older_token_is_a_world_of_its_own(sandbox: Any):
    query = {"grant_type": "client_credential", "appid": APPID, "secret": "s3cret"}
    async with sandbox() as far:
        stable = (await far.stable_token())["access_token"]
        first = (await far.get("/cgi-bin/token", params=query))["access_token"]
        second = (await far.get("/cgi-bin/token", params=query))["access_token"]
        far.clock.advance(60)

        verdicts = []
        for far.access_token in (stable, first, second):
            verdicts.append((await far.call("userquery", {"phone": RECEIVER}))["errcode"])

    assert verdicts == [0, 40001, 0]


async def test_calls_without_a_token_with_a_made_up_one_and_with_an_expired_one_are_told_apart(sandbox: Any):
    async with sandbox() as far:
        await far.call("userquery", {"phone": RECEIVER})
        missing = await far.post(f"{API}userquery", json={"phone": RECEIVER})
        made_up = await far.post(f"{API}userquery?access_token=x", json={"phone": RECEIVER})
        await far.post("/sandbox/api/tokens/expire", json={})
        expired = await far.call("userquery", {"phone": RECEIVER})

    assert [missing["errcode"], made_up["errcode"], expired["errcode"]] == [41001, 40001, 42001]
    assert re.search(r" rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}$", made_up["errmsg"])


@pytest.mark.parametrize("name", ["stable_token", "express/delivery/userquery", "express/delivery/pathnotify"])
async def test_a_get_is_told_that_post_is_required(sandbox: Any, name: str):
    async with sandbox() as far:
        answer = await far.get(f"/cgi-bin/{name}")

    assert answer["errcode"] == 43002


@pytest.mark.parametrize(
    ("raw", "errcode"),
    [
        (b"", 44002),
        (b"phone=13800138000", 47001),
        (b'["13800138000"]', 47001),
        (b"{}", 40097),
        (b'{"phone":13800138000}', 40097),
        (b'{"phone":"1380013800"}', 40097),
        (b'{"phone":"0571-88888888"}', 40097),
        (b'{"phone":"13800138000","name":"\\u5f20"}', 40033),
        (b'{"phone":"13800138000","name":"\\u0041 \\\\u5f20"}', 0),
    ],
)
async def test_userquery_accepts_only_what_wechat_documents(sandbox: Any, raw: bytes, errcode: int):
    async with sandbox() as far:
        answer = await far.call("userquery", raw=raw)

    assert answer["errcode"] == errcode


@pytest.mark.parametrize(
    "changes",
    [
        {"sender": ...},
        {"sender": "张三"},
        {"receiver": ...},
        {"receiver__name": ...},
        {"receiver__name": ""},
        {"receiver__phone": ...},
        {"receiver__phone": "0571-88888888"},
        {"receiver__phone": 13800138000},
        {"receiver__city": 7},
        {"sender__phone": 13800138001},
        {"sender__name": ["张三"]},
        {"waybill_id": ...},
        {"waybill_id": ""},
        {"waybill_id": 1234567890},
        {"create_time": ...},
        {"create_time": "1600000000"},
        {"create_time": 1_600_000_000_000},
        {"create_time": 0},
        {"path": ...},
        {"path": []},
        {"path__action_time": ...},
        {"path__action_time": 1600000100.5},
        {"path__action_time": True},
        {"path__action_type": ...},
        {"path__action_type": "300002"},
        {"path__action_type": 300001},
        {"path__action_msg": ...},
        {"path__action_msg": ""},
        {"path__delivery_courier_phone": 10086},
    ],
    ids=str,
)
async def test_pathnotify_with_wrong_parameters_is_refused_and_nobody_is_asked(sandbox: Any, changes: dict[str, Any]):
    async with sandbox() as far:
        answer = await far.call("pathnotify", push(**changes))

        noted = await far.newest_call()

    assert answer["errcode"] == 40097
    assert "exist" not in answer
    assert noted["note"]
    assert far.carrier.queries == []


@pytest.mark.parametrize(
    "changes", [{"sender": {}}, {"sender__phone": "0575-1234567"}, {"receiver__id": "A1"}], ids=str
)
async def test_pathnotify_asks_no_more_of_the_contacts_than_the_receivers_name_and_phone(
    sandbox: Any, changes: dict[str, Any]
):
    async with sandbox() as far:
        answer = await far.notify(**changes)

    assert answer == {"errcode": 0, "errmsg": "ok", "exist": 0}


async def test_a_body_beyond_64_kib_is_refused_whole(sandbox: Any):
    async with sandbox() as far:
        answer = await far.call("pathnotify", raw=b"x" * 65537)

    assert answer["errcode"] == 45002
