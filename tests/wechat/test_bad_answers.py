"""Whatever the far side answers: an attempt with what was seen, its batch goes on, the log tells no secret."""

import gzip
import os
from typing import Any

import pytest
from aiohttp import web
from django.utils import timezone

from tests.wechat.farside import Answer, FarSide, answer, text
from tests.wechat.test_sender import Drain, post
from waybills.documents import unseal_attempt
from waybills.models import Line, Outcome, Push, PushAttempt
from wechat.models import AccessToken

PHONE = "13800138000"
TOKEN = "79_" + "aB3-x_" * 20
ECHO = f"{PHONE} access_token={TOKEN}"
SHOWN = 2000
"""Characters of an answer that an attempt keeps."""


def raw(body: bytes, status: int = 200, **headers: str) -> Answer:
    return lambda request: web.Response(body=body, status=status, headers=headers)


async def endless(request: web.Request) -> web.StreamResponse:
    """Answer with a body that never ends."""
    response = web.StreamResponse()
    await response.prepare(request)
    try:
        while True:
            await response.write(ECHO.encode() * 1000)
    except ConnectionError:
        return response


def chunked_garbage(request: web.Request) -> Any:
    """Announce chunks and send something else."""
    if request.transport is not None:
        request.transport.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnot a chunk " + ECHO.encode())
        request.transport.close()
    return web.Response()


LOST: dict[str, Answer] = {
    "garbage": raw(os.urandom(300) + ECHO.encode()),
    "HTML": text(f"<html><body>{ECHO}</body></html>"),
    "HTML of an error": text(f"<html>{ECHO}</html>", 502),
    "a redirect": text(ECHO, 307, Location=f"/cgi-bin/elsewhere?access_token={TOKEN}"),
    "huge": text(ECHO * 50_000),
    "endless": endless,
    "nested": text('{"errcode":' + "[" * 30_000),
    "a list": text(f'["{ECHO}"]'),
    "a code that is none": text(f'{{"errcode":"{ECHO}"}}'),
    "a code beyond all numbers": text('{"errcode":1' + "0" * 5000 + "}"),
    "GBK": raw(f'{{"errcode":0,"errmsg":"成功{ECHO}"}}'.encode("gbk")),
    "half a surrogate": text('{"errcode":0,"errmsg":"\\ud800"}'),
    "no gzip": raw(ECHO.encode(), **{"Content-Encoding": "gzip"}),
    "a gzip bomb": raw(gzip.compress(bytes(20_000_000)), **{"Content-Encoding": "gzip"}),
    "no chunk": chunked_garbage,
}
WORDS: dict[str, Answer] = {
    "an echo": answer(123456, errmsg=f"no: {ECHO}"),
    "NUL and line breaks": answer(123456, errmsg="no\x00\r\n2026 ERROR forged"),
    "no text": answer(123456, errmsg={"phone": PHONE}),
    "a novel": answer(123456, errmsg="很长" * 3_000),
}


@pytest.fixture
def secretive(far: FarSide, caplog: Any) -> Any:
    """Yield the far side; whatever the test did, the log tells no secret and of no fault of the program."""
    far.token = TOKEN
    yield far
    assert PHONE not in caplog.text
    assert TOKEN not in caplog.text
    assert "Traceback" not in caplog.text
    assert "\nforged" not in caplog.text


@pytest.mark.parametrize("bad", LOST.values(), ids=LOST)
@pytest.mark.parametrize("call", ["userquery", "pathnotify"])
def test_an_unusable_answer_is_one_attempt_and_the_batch_goes_on(
    secretive: FarSide, drain: Drain, call: str, bad: Answer
) -> None:
    secretive.next(call, bad)
    post("SF1")
    post("SF2")

    drain()

    outcome = Outcome.UNKNOWN if call == "pathnotify" else Outcome.FAILED
    attempt = PushAttempt.objects.get(call=call, outcome=outcome)
    reason = "in_doubt" if call == "pathnotify" else "retrying"
    assert sorted(Push.objects.values_list("state", "reason")) == [("pending", reason), ("sent", "")]
    assert attempt.errmsg
    assert_told_sealed_alone(attempt)
    assert not any("elsewhere" in body for body, _, _ in secretive.asked)


@pytest.mark.parametrize("bad", WORDS.values(), ids=WORDS)
@pytest.mark.parametrize("call", ["userquery", "pathnotify"])
def test_words_of_any_kind_are_kept_without_secrets(secretive: FarSide, drain: Drain, call: str, bad: Answer) -> None:
    secretive.next(call, bad)
    post("SF1")
    post("SF2")

    drain()

    attempt = PushAttempt.objects.get(call=call, outcome=Outcome.REFUSED)
    assert sorted(Push.objects.values_list("state", flat=True)) == ["pending", "sent"]
    assert attempt.errcode == 123456
    assert attempt.errmsg.isprintable()
    assert_told_sealed_alone(attempt)


def assert_told_sealed_alone(attempt: PushAttempt) -> None:
    sealed = bytes(attempt.sealed or b"")
    seen = unseal_attempt(attempt.pk, sealed).answer
    assert len(seen) <= SHOWN
    assert PHONE not in attempt.errmsg
    assert TOKEN not in attempt.errmsg
    assert PHONE.encode() not in sealed


@pytest.mark.parametrize("bad", [*LOST.values(), *WORDS.values()], ids=[*LOST, *WORDS])
def test_without_a_token_nothing_is_tried_and_the_next_answer_mends_it(
    secretive: FarSide, drain: Drain, bad: Answer
) -> None:
    secretive.next("stable_token", bad)
    post("SF1")

    drain()

    token = AccessToken.objects.get()
    assert token.failing_since is not None
    assert PHONE not in token.failure
    assert TOKEN not in token.failure
    assert not PushAttempt.objects.exists()
    assert Line.objects.get().state == "running"
    AccessToken.objects.update(retry_at=timezone.now())
    drain()
    assert Push.objects.get().state == "sent"


@pytest.mark.parametrize("code", [40164, 150004])
def test_a_stopped_line_tells_its_reason_without_secrets(secretive: FarSide, drain: Drain, code: int) -> None:
    secretive.next("userquery", answer(code, errmsg=f"invalid ip 10.0.0.5 \x00 {ECHO}"))
    post()

    drain()

    line = Line.objects.get()
    assert "invalid ip 10.0.0.5" in line.reason
    assert PHONE not in line.reason
    assert TOKEN not in line.reason
