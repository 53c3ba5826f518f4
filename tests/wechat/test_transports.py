"""The sockets: what each way of failing reads as, and that none opens inside a transaction."""

import asyncio
import time
from collections.abc import Iterator

import pytest
from aiohttp import web
from django.db import transaction

from tests.delivery.gate import gate_to
from tests.wechat.farside import FarSide, answer, far_side, hang_up, text
from wechat.client import LONGEST_ANSWER, Raw
from wechat.network import NetworkInTransaction
from wechat.transports import AsyncTransport, Timeouts, post, run

NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def far() -> Iterator[FarSide]:
    with far_side() as side:
        yield side


def post_async(base: str) -> Raw:
    async def send() -> Raw:
        async with AsyncTransport(base, connections=1, timeouts=Timeouts(2, 2)) as transport:
            return await transport.post("userquery", "{}", token="t")

    return run(send())


def post_single(base: str) -> Raw:
    return post(base, "userquery", "{}", token="t", timeouts=Timeouts(2, 2))


BOTH = pytest.mark.parametrize("send", [post_single, post_async])


@BOTH
def test_an_answer_comes_with_its_status_and_wait(far: FarSide, send: object) -> None:
    far.next("userquery", text('{"errcode":0}', 503, **{"Retry-After": "7"}))

    raw = send(far.base)  # type: ignore[operator]

    assert (raw.status, raw.body, raw.retry_after, raw.was_sent) == (503, b'{"errcode":0}', "7", True)
    assert far.asked == [("userquery", {}, "t")]


@BOTH
def test_where_nobody_listens_nothing_was_sent(send: object) -> None:
    raw = send(NOBODY)  # type: ignore[operator]

    assert (raw.status, raw.was_sent) == (None, False)


@BOTH
def test_where_nobody_takes_the_connection_nothing_was_sent(far: FarSide, send: object) -> None:
    with gate_to(far.base) as gate, gate.shut():
        raw = send(gate.base)  # type: ignore[operator]

    assert (raw.status, raw.was_sent, "Timeout" in raw.note) == (None, False, True)
    assert far.asked == []


@BOTH
def test_a_far_side_that_cannot_prove_who_it_is_gets_nothing(far: FarSide, send: object) -> None:
    raw = send(far.base.replace("http:", "https:"))  # type: ignore[operator]

    assert (raw.status, raw.was_sent) == (None, False)
    assert far.asked == []


@BOTH
def test_a_connection_that_is_closed_without_an_answer_was_used(far: FarSide, send: object) -> None:
    far.next("userquery", hang_up)

    raw = send(far.base)  # type: ignore[operator]

    assert (raw.status, raw.was_sent) == (None, True)


@BOTH
def test_a_huge_answer_is_cut(far: FarSide, send: object) -> None:
    far.next("userquery", text("x" * (3 * LONGEST_ANSWER)))

    assert len(send(far.base).body) == LONGEST_ANSWER  # type: ignore[operator]


async def trickle(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    try:
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.2)
    except ConnectionError:
        return response


@BOTH
def test_an_answer_that_trickles_for_ever_is_given_up(far: FarSide, send: object) -> None:
    far.next("userquery", trickle)
    began = time.monotonic()

    raw = send(far.base)  # type: ignore[operator]

    assert (raw.status, raw.was_sent, "Timeout" in raw.note) == (None, True, True)
    assert time.monotonic() - began < 6


@BOTH
def test_a_redirect_is_not_followed(far: FarSide, send: object) -> None:
    far.next("userquery", text("", 302, Location=f"{far.base}/elsewhere"))

    assert send(far.base).status == 302  # type: ignore[operator]
    assert len(far.asked) == 1


@BOTH
def test_no_note_holds_the_token(send: object) -> None:
    assert "access_token" not in send(NOBODY).note  # type: ignore[operator]


@pytest.mark.django_db(transaction=True)
@BOTH
def test_no_socket_opens_inside_a_transaction(far: FarSide, send: object) -> None:
    far.next("userquery", answer())

    with transaction.atomic(), pytest.raises(NetworkInTransaction):
        send(far.base)  # type: ignore[operator]

    assert far.asked == []
