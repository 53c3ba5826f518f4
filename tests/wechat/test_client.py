"""How an answer is read, whatever spelling its numbers have."""

import pytest

from wechat.client import Raw, Reading, read_reply, read_token_reply


@pytest.mark.parametrize(
    ("body", "errcode", "exist"),
    [
        (b'{"errcode":0,"errmsg":"ok","exist":1}', 0, 1),
        (b'{"errcode":"0","errmsg":"ok","exist":"1"}', 0, 1),
        (b'{"errcode":0,"errmsg":"ok","exist":true}', 0, 1),
        (b'{"errcode":0,"errmsg":"ok","exist":false}', 0, 0),
        (b'{"errcode":0,"errmsg":"ok","exist":2}', 0, None),
        (b'{"errcode":"40097","errmsg":"no"}', 40097, None),
    ],
)
def test_a_number_may_come_as_text_and_exist_as_a_truth(body: bytes, errcode: int, exist: int | None) -> None:
    reply = read_reply(Raw(200, body))

    assert (reply.reading, reply.errcode, reply.exist) == (Reading.ANSWERED, errcode, exist)


@pytest.mark.parametrize(
    "errcode",
    ["true", "false", "null", "0.5", '""', '"-"', '"--1"', '"+1"', '" 0"', '"\u0660"', '"00000000000000000000040001"'],
)
def test_an_errcode_that_is_no_number_is_no_answer(errcode: str) -> None:
    reply = read_reply(Raw(200, f'{{"errcode":{errcode},"errmsg":"ok","exist":1}}'.encode()))

    assert (reply.reading, reply.errcode) == (Reading.LOST, None)


@pytest.mark.parametrize("expires_in", ["true", "0", "-7200", '"soon"', "null"])
def test_a_token_without_a_time_is_none(expires_in: str) -> None:
    reply = read_token_reply(Raw(200, f'{{"access_token":"abc","expires_in":{expires_in}}}'.encode()))

    assert reply.token == ""
    assert reply.failure is not None
    assert reply.failure.reading is Reading.LOST
