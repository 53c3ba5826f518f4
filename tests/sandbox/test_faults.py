"""Faults on demand, as the caller meets them."""

import asyncio
import time
from typing import Any

import aiohttp
import pytest

from tests.sandbox.conftest import RECEIVER, node_of, push

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize("errcode", [-1, 40001, 42001, 45009, 40164, 932001])
async def test_an_errcode_is_answered_as_often_as_ordered_and_nothing_is_done(sandbox: Any, errcode: int):
    async with sandbox(bind_all=True) as far:
        await far.order_fault(kind="errcode", errcode=errcode, times=2)

        answers = [(await far.notify())["errcode"] for _ in range(3)]

        state = await far.get("/sandbox/api/state")

    assert answers == [errcode, errcode, 0]
    assert state["messages_sent"] == 1
    assert state["faults"] == []


@pytest.mark.parametrize("kind", ["reset", "timeout", "answer_lost"])
async def test_a_lost_connection_is_no_answer(sandbox: Any, kind: str):
    async with sandbox(bind_all=True) as far:
        await far.call("userquery", {"phone": RECEIVER})
        await far.order_fault(kind=kind, delay_ms=20)

        with pytest.raises(aiohttp.ClientError):
            await far.notify()

        noted = await far.newest_call()
        state = await far.get("/sandbox/api/state")

    assert noted["fault"] == kind
    assert (noted["phone"], noted["waybill_id"]) == (RECEIVER, "SF100200300")
    assert state["messages_sent"] == (1 if kind == "answer_lost" else 0)
    assert noted["errcode"] == (0 if kind == "answer_lost" else None)


async def test_a_timeout_holds_the_call_until_the_caller_gives_up(sandbox: Any):
    async with sandbox() as far:
        await far.call("userquery", {"phone": RECEIVER})
        await far.order_fault(kind="timeout")

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(far.notify(), timeout=0.2)


async def test_a_slow_call_acts_after_its_delay(sandbox: Any):
    async with sandbox() as far:
        await far.call("userquery", {"phone": RECEIVER})
        await far.order_fault(kind="slow", delay_ms=150)
        started = time.perf_counter()

        answer = await far.notify()

    assert answer["errcode"] == 0
    assert time.perf_counter() - started >= 0.15


@pytest.mark.parametrize(("kind", "status"), [("http_500", 500), ("garbage", 200)])
async def test_an_answer_that_is_not_wechats(sandbox: Any, kind: str, status: int):
    async with sandbox() as far:
        await far.order_fault(call="userquery", kind=kind)

        async with far.http.post(f"{far.base}/cgi-bin/express/delivery/userquery", json={}) as response:
            text = await response.text()

    assert response.status == status
    assert "errcode" not in text


async def test_a_duplicate_back_query_comes_twice_with_the_same_bytes(sandbox: Any):
    async with sandbox() as far:
        await far.order_fault(kind="duplicate_back_query")

        answer = await far.notify()

    assert answer["errcode"] == 0
    assert len(far.carrier.seen) == 2
    assert far.carrier.seen[0] == far.carrier.seen[1]


async def test_a_fault_of_the_back_query_waits_for_the_next_push(sandbox: Any):
    async with sandbox() as far:
        await far.order_fault(call="any", kind="no_back_query")
        await far.call("userquery", {"phone": RECEIVER})

        await far.notify()
        await far.notify()

    assert len(far.carrier.seen) == 1


async def test_one_bad_answer_to_a_duplicate_back_query_is_enough(sandbox: Any):
    async with sandbox() as far:
        await far.order_fault(kind="duplicate_back_query")
        far.carrier.statuses.append(403)

        assert (await far.notify())["errcode"] == 932001


async def test_no_back_query_accepts_unasked(sandbox: Any):
    async with sandbox() as far:
        await far.order_fault(kind="no_back_query")

        answer = await far.call("pathnotify", push())

    assert answer["errcode"] == 0
    assert far.carrier.seen == []


async def test_a_fault_of_one_phone_spares_the_others(sandbox: Any):
    async with sandbox() as far:
        await far.order_fault(call="any", kind="errcode", errcode=45011, phone="13900139000", times=None)

        pushes = [(await far.notify(receiver__phone=phone))["errcode"] for phone in (RECEIVER, "13900139000")]
        queries = [(await far.call("userquery", {"phone": phone}))["errcode"] for phone in (RECEIVER, "13900139000")]
        odd = [(await far.call("userquery", raw=raw))["errcode"] for raw in (b"?", b"[]")]

    assert pushes == [0, 45011]
    assert queries == [0, 45011]
    assert odd == [47001, 47001]


async def test_a_fault_of_the_token_call_leaves_the_others_alone(sandbox: Any):
    async with sandbox() as far:
        await far.call("userquery", {"phone": RECEIVER})
        await far.order_fault(call="stable_token", kind="errcode", errcode=40164)

        query = await far.call("userquery", {"phone": RECEIVER})
        refused, granted = await far.stable_token(), await far.stable_token()

    assert query["errcode"] == 0
    assert refused["errcode"] == 40164
    assert "access_token" in granted


async def test_faults_are_listed_and_cleared_one_by_one_or_all(sandbox: Any):
    async with sandbox() as far:
        first = await far.order_fault(kind="http_500", times=None)
        await far.order_fault(kind="slow")
        await far.order_fault(kind="reset")

        one = await far.status("DELETE", f"/sandbox/api/faults?id={first['id']}")
        listed = (await far.get("/sandbox/api/faults"))["faults"]
        await far.status("DELETE", "/sandbox/api/faults")
        left = (await far.get("/sandbox/api/faults"))["faults"]

    assert one == 200
    assert [(fault["kind"], fault["delay_ms"], fault["times"]) for fault in listed] == [
        ("slow", 3000, 1),
        ("reset", 0, 1),
    ]
    assert left == []


@pytest.mark.parametrize(
    "order",
    [
        {"call": "getcallbackip"},
        {"kind": "explode"},
        {"kind": "errcode"},
        {"kind": "errcode", "errcode": "40001"},
        {"kind": "slow", "delay_ms": -1},
        {"kind": "slow", "delay_ms": 10_000_000},
        {"kind": "slow", "times": 0},
        {"kind": "slow", "times": True},
        {"kind": "slow", "phone": 13800138000},
        {"call": None, "kind": "slow"},
    ],
    ids=str,
)
async def test_an_order_that_cannot_be_carried_out_is_refused(sandbox: Any, order: dict[str, Any]):
    async with sandbox() as far:
        status = await far.status("POST", "/sandbox/api/faults", json={"call": "pathnotify"} | order)

        listed = await far.get("/sandbox/api/faults")

    assert status == 400
    assert listed == {"faults": []}


async def test_no_more_than_a_hundred_faults_wait(sandbox: Any):
    async with sandbox() as far:
        statuses = [
            await far.status("POST", "/sandbox/api/faults", json={"call": "any", "kind": "slow"}) for _ in range(101)
        ]

    assert statuses == [201] * 100 + [400]


async def test_a_late_push_of_the_same_node_is_delivered_again_so_that_duplicates_show(sandbox: Any):
    body = push()
    async with sandbox(bind_all=True) as far:
        far.carrier.nodes = [node_of(body)]
        for _ in range(2):
            await far.call("pathnotify", body)

        state = await far.get("/sandbox/api/state")

    assert len(state["phones"][0]["messages"]) == 2
