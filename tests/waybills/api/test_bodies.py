"""Bodies: what is read, what is refused, and the reason given."""

import gzip
import io
import time
import zlib

import orjson
import pytest
from django.test import Client

from tests.waybills.api.conftest import Api, path, waybill
from waybills.api.parsing import LARGEST_BODY
from waybills.models import Path

pytestmark = pytest.mark.django_db


def path_with(text: bytes) -> bytes:
    return orjson.dumps(path(action_msg="?")).replace(b'"?"', text)


def test_a_gzip_body_is_read(api: Api) -> None:
    body = gzip.compress(orjson.dumps([path(f"SF{number}") for number in range(1000)]))

    response = api.post("paths/", body, encoding="gzip")

    assert response.json()["paths"]["waiting"] == 1000


def test_a_byte_order_mark_is_read_over(api: Api) -> None:
    assert api.post("paths/", b"\xef\xbb\xbf" + orjson.dumps(path())).status_code == 200


def test_a_charset_beside_the_content_type_is_read_over(api: Api) -> None:
    response = api.post("paths/", path(), content_type="application/json; charset=utf-8")

    assert response.status_code == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "empty"),
        (b"{", "not_json"),
        (b"[1,]", "not_json"),
        (b"{'waybill_id': 'SF1'}", "not_json"),
        (path_with(b"NaN"), "not_json"),
        (path_with(b"Infinity"), "not_json"),
        (path_with(b"1" + b"0" * 400), "not_json"),
        (path_with(b'"\\ud800"'), "not_json"),
        (path_with(b'"\xed\xa0\x80"'), "not_utf8"),
        (path_with(b'"a\x00b"'), "not_json"),
        (path_with('"快件到达"'.encode("gbk")), "not_utf8"),
        (orjson.dumps(path()).decode().encode("utf-16"), "not_utf8"),
        (b"[" * 100_000 + b"]" * 100_000, "not_json"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "not_json"),
        (b"\x00" * 100, "not_json"),
    ],
    ids=[
        "empty",
        "cut off",
        "trailing comma",
        "single quotes",
        "NaN",
        "Infinity",
        "ten to the 400th",
        "lone surrogate",
        "lone surrogate in its bytes",
        "NUL",
        "GBK",
        "UTF-16",
        "nested lists",
        "nested objects",
        "zeros",
    ],
)
def test_a_body_that_is_no_json_is_refused_with_the_reason(api: Api, body: bytes, code: str) -> None:
    response = api.post("paths/", body)

    assert (response.status_code, response.json()["code"]) == (400, code)
    assert not Path.objects.exists()


def test_what_gzip_holds_is_read_as_strictly(api: Api) -> None:
    response = api.post("paths/", gzip.compress(path_with('"快件到达"'.encode("gbk"))), encoding="gzip")

    assert (response.status_code, response.json()["code"]) == (400, "not_utf8")


@pytest.mark.parametrize("number", ["-1e30", "1e300", "18446744073709551616", "-9223372036854775809"])
def test_a_number_beyond_every_integer_is_named(api: Api, number: str) -> None:
    body = orjson.dumps(path(action_time=0)).replace(b'"action_time":0', b'"action_time":' + number.encode())

    response = api.post("paths/", body)

    assert [(error["field"], error["code"]) for error in response.json()["errors"]] == [("action_time", "type")]


def test_an_escaped_nul_is_cleaned_like_any_control_character(api: Api) -> None:
    api.post("waybills/", waybill())

    response = api.post("paths/", path_with(b'"a\\u0000\\u0001b"'))

    assert response.json()["paths"]["created"] == 1
    assert api.get("waybills/SF1/").json()["paths"][0]["action_msg"] == "a b"


def test_a_body_in_chunks_is_refused_and_not_taken_for_an_empty_one(token: str) -> None:
    environment = {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}

    response = Client().post(
        "/api/v1/paths/",
        data=orjson.dumps(path()),
        content_type="application/json",
        headers={"authorization": f"Token {token}"},
        **environment,
    )

    assert (response.status_code, response.json()["code"]) == (400, "length_required")


class Severed(io.RawIOBase):
    """The body of a client that went away."""

    def read(self, size: int = -1) -> bytes:
        raise ConnectionResetError


def test_a_body_that_ends_early_is_refused(token: str) -> None:
    response = Client().post(
        "/api/v1/paths/",
        data=orjson.dumps(path()),
        content_type="application/json",
        headers={"authorization": f"Token {token}"},
        **{"wsgi.input": Severed()},
    )

    assert (response.status_code, response.json()["code"]) == (400, "unreadable")


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_a_body_over_the_limit_is_refused(api: Api, encoding: str) -> None:
    fits = b" " * (LARGEST_BODY - len(orjson.dumps(path()))) + orjson.dumps(path())
    pack = gzip.compress if encoding else bytes

    taken = api.post("paths/", pack(fits), encoding=encoding)
    refused = api.post("paths/", pack(b" " + fits), encoding=encoding)

    assert taken.status_code == 200
    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")


def test_a_gzip_bomb_is_refused_before_it_inflates(api: Api) -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join([*(packer.compress(b" " * 1_000_000) for _ in range(1000)), packer.flush()])

    response = api.post("paths/", bomb, encoding="gzip")

    assert len(bomb) < LARGEST_BODY
    assert response.status_code == 413


WHOLE = gzip.compress(orjson.dumps(path()), mtime=0)


@pytest.mark.parametrize(
    "body",
    [
        orjson.dumps(path()),
        WHOLE[:-1],
        WHOLE[: len(WHOLE) // 2],
        WHOLE[:10],
        WHOLE[:40] + b"\xff\xff\xff" + WHOLE[43:],
        WHOLE[:-8] + b"\x00" * 8,
        WHOLE + b"trailing",
        WHOLE + WHOLE,
        zlib.compress(orjson.dumps(path())),
    ],
    ids=[
        "plain",
        "a byte short",
        "half of it",
        "its header",
        "damaged",
        "wrong checksum",
        "trailing bytes",
        "two members",
        "zlib",
    ],
)
def test_broken_gzip_is_refused(api: Api, body: bytes) -> None:
    response = api.post("paths/", body, encoding="gzip")

    assert (response.status_code, response.json()["code"]) == (400, "broken_gzip")


@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [
        ("text/plain", ""),
        ("application/x-www-form-urlencoded", ""),
        ("multipart/form-data; boundary=x", ""),
        ("application/xml", ""),
        ("", ""),
        ("application/json", "br"),
        ("application/json", "deflate"),
        ("application/json", "gzip, gzip"),
    ],
)
def test_what_is_neither_json_nor_gzip_of_it_is_refused(api: Api, content_type: str, encoding: str) -> None:
    response = api.post("paths/", path(), content_type=content_type, encoding=encoding)

    assert response.status_code == 415


def test_a_phone_of_a_thousand_times_its_length_costs_no_time(api: Api) -> None:
    # Combining marks out of their order: NFKC sorts them in the square of the time.
    marks = waybill()
    marks["receiver"] = {**marks["receiver"], "phone": "1" + "\u0315\u0316" * 30_000}

    began = time.process_time()
    answer = api.post("waybills/", marks)

    assert time.process_time() - began < 1
    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [("receiver.phone", "too_long")]
