"""What is not provably WeChat's gets one and the same answer, and is counted by its reason."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from django.db import DatabaseError, connection

from tests.wechat.callback.conftest import APPID, REFUSED, Portal, Wechat
from wechat import audit
from wechat.body import LARGEST
from wechat.models import Callback, CallbackRefusal
from wechat.refusals import RefusalCounter
from wechat.signature import sign

Change = Callable[..., None]


def counted() -> dict[str, int]:
    """Return how many requests were refused since, by reason."""
    return {reason: tally.count for (_, reason), tally in audit.refusals.take().items()}


def without(query: dict[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in query.items() if key != name}


MESSAGE = Wechat().query_message()


@pytest.mark.parametrize("mode", ["safe", "compat", "plain"])
@pytest.mark.parametrize("name", ["signature", "msg_signature"])
def test_a_wrong_signature_is_refused(portal: Portal, change: Change, mode: str, name: str) -> None:
    change("WECHAT", message_mode=mode)
    query, body = Wechat(mode).sign(MESSAGE)
    covering = "signature" if mode == "plain" else "msg_signature"

    answer = portal.post(query | {covering: query.get(name, "0" * 40)[::-1]}, body)

    assert answer.refusal == REFUSED
    assert counted() == {"signature": 1}


def test_another_token_is_refused(portal: Portal) -> None:
    assert portal.post(*Wechat(token="BBBBB").sign(MESSAGE)).refusal == REFUSED
    assert counted() == {"signature": 1}


@pytest.mark.parametrize("mode", ["safe", "compat", "plain"])
def test_without_a_token_nothing_is_believed(portal: Portal, change: Change, mode: str) -> None:
    change("WECHAT", message_mode=mode, token="")

    assert portal.post(*Wechat(mode, token="").sign(MESSAGE)).refusal == REFUSED
    assert counted() == {"signature": 1}


def test_the_url_signature_does_not_stand_for_the_body_s(portal: Portal) -> None:
    query, body = Wechat().sign(MESSAGE)

    assert portal.post(query | {"msg_signature": query["signature"]}, body).refusal == REFUSED
    assert counted() == {"signature": 1}


@pytest.mark.parametrize("seconds", [-301, 302])
def test_a_stale_timestamp_is_refused(portal: Portal, seconds: int) -> None:
    wechat = Wechat(timestamp=str(int(time.time()) + seconds))

    assert portal.post(*wechat.sign(MESSAGE)).refusal == REFUSED
    assert counted() == {"timestamp": 1}


@pytest.mark.django_db
def test_a_tolerance_of_zero_turns_the_check_off(portal: Portal, change: Change) -> None:
    change("WECHAT", callback_tolerance=timedelta(0))

    assert portal.post(*Wechat(timestamp="1").sign(MESSAGE)).status == 200


@pytest.mark.parametrize("name", ["timestamp", "nonce", "msg_signature"])
def test_a_missing_parameter_is_refused(portal: Portal, name: str) -> None:
    query, body = Wechat().sign(MESSAGE)

    assert portal.post(without(query, name), body).refusal == REFUSED
    assert counted() == {"parameters": 1}


@pytest.mark.parametrize("mode", ["safe", "compat", "plain"])
def test_a_request_without_any_signature_is_refused(portal: Portal, change: Change, mode: str) -> None:
    change("WECHAT", message_mode=mode)
    query, body = Wechat(mode).sign(MESSAGE)

    assert portal.post(without(without(query, "signature"), "msg_signature"), body).refusal == REFUSED
    assert counted() == {"parameters": 1}


@pytest.mark.parametrize("name", ["signature", "timestamp", "nonce", "msg_signature", "encrypt_type"])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_repeated_parameter_is_refused(portal: Portal, name: str, is_first: bool) -> None:
    query, body = Wechat().sign(MESSAGE)
    pairs = [(name, "again"), *query.items()] if is_first else [*query.items(), (name, query[name])]

    assert portal.post(urlencode(pairs), body).refusal == REFUSED
    assert counted() == {"parameters": 1}


@pytest.mark.parametrize("timestamp", ["", "-1", "1e9", "١٧١٤٠٣٦٥٠٤", "1" * 13, "171403650４"])
def test_a_timestamp_of_another_shape_is_refused(portal: Portal, timestamp: str) -> None:
    assert portal.post(*Wechat(timestamp=timestamp).sign(MESSAGE)).refusal == REFUSED
    assert counted() == {"parameters": 1}


def test_a_query_of_many_parameters_is_refused(portal: Portal) -> None:
    query, body = Wechat().sign(MESSAGE)

    assert portal.post(query | {f"p{n}": "" for n in range(40)}, body).refusal == REFUSED
    assert counted() == {"parameters": 1}


@pytest.mark.parametrize("data_format", ["xml", "json"])
@pytest.mark.parametrize("mode", ["safe", "compat"])
def test_a_plain_body_is_refused_where_the_mode_is_encrypted(
    portal: Portal, change: Change, mode: str, data_format: str
) -> None:
    change("WECHAT", message_mode=mode)
    wechat = Wechat("plain", data_format)

    assert portal.post(*wechat.sign(wechat.query_message())).refusal == REFUSED
    assert counted() == {"mode": 1}


def test_a_mode_mismatch_that_is_not_signed_is_no_reason_to_tell_staff(portal: Portal) -> None:
    wechat = Wechat("plain", token="guess")

    assert portal.post(*wechat.sign(MESSAGE)).refusal == REFUSED
    assert counted() == {"signature": 1}


@pytest.mark.parametrize("data_format", ["xml", "json"])
@pytest.mark.parametrize("mode", ["safe", "compat"])
def test_an_encrypted_body_is_refused_in_plain_mode(
    portal: Portal, change: Change, mode: str, data_format: str
) -> None:
    change("WECHAT", message_mode="plain")
    wechat = Wechat(mode, data_format)

    assert portal.post(*wechat.sign(wechat.query_message())).refusal == REFUSED
    assert counted() == {"mode": 1}


def test_the_request_s_own_word_on_encryption_is_not_heard(portal: Portal) -> None:
    query, body = Wechat("plain").sign(MESSAGE)

    assert portal.post(query | {"encrypt_type": "raw"}, body).refusal == REFUSED


def test_a_message_under_an_unknown_key_is_refused(portal: Portal) -> None:
    assert portal.post(*Wechat(key=b"\x07" * 32).sign(MESSAGE)).refusal == REFUSED
    assert counted() == {"ciphertext": 1}


def test_a_message_of_another_mini_program_is_refused(portal: Portal) -> None:
    assert portal.post(*Wechat(appid="wx0000000000000000").sign(MESSAGE)).refusal == REFUSED
    assert counted() == {"appid": 1}


def test_an_appid_that_only_begins_like_the_carrier_s_is_refused(portal: Portal) -> None:
    assert portal.post(*Wechat(appid=APPID + "0").sign(MESSAGE)).refusal == REFUSED


@pytest.mark.parametrize("encrypted", ["<Encrypt></Encrypt>", "<Encrypt><a/></Encrypt>", "<Encrypt>A</Encrypt>" * 2])
def test_an_envelope_without_one_text_is_refused(portal: Portal, encrypted: str) -> None:
    query, _ = Wechat().sign(MESSAGE)

    assert portal.post(query, f"<xml>{encrypted}</xml>".encode()).refusal == REFUSED
    assert counted() == {"unreadable": 1}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  ",
        b"hello",
        b"<xml>",
        b"<xml></xlm>",
        b"{",
        b'{"a":}',
        b"\xff\xfe<\x00",
        b"1",
        b'{"a":"\xff"}',
        b"<a>&b;</a>",
    ],
)
@pytest.mark.parametrize("mode", ["safe", "plain"])
def test_what_is_neither_xml_nor_json_is_refused(portal: Portal, change: Change, mode: str, body: bytes) -> None:
    change("WECHAT", message_mode=mode)
    query, _ = Wechat("plain").sign(b"")

    assert portal.post(query, body).refusal == REFUSED
    assert counted() == {"unreadable": 1}


def test_an_encrypted_message_that_is_neither_is_refused(portal: Portal) -> None:
    assert portal.post(*Wechat().sign(b"hello")).refusal == REFUSED
    assert counted() == {"unreadable": 1}


DOCTYPES = [
    b"<!DOCTYPE xml><xml><Event>x</Event></xml>",
    b'<!DOCTYPE xml SYSTEM "http://127.0.0.1:9/x.dtd"><xml/>',
    b'<!DOCTYPE xml PUBLIC "-//a" "file:///etc/passwd"><xml/>',
    b'<!DOCTYPE xml [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><xml><Event>&b;</Event></xml>',
    b'<?xml version="1.0"?>\n<!DOCTYPE xml [<!ENTITY x SYSTEM "file:///etc/passwd">]><xml><Event>&x;</Event></xml>',
    b'<!DOCTYPE xml [<!ENTITY % p SYSTEM "http://127.0.0.1:9/"> %p;]><xml/>',
]


@pytest.mark.parametrize("body", DOCTYPES)
def test_a_document_type_is_refused_in_plain(portal: Portal, change: Change, body: bytes) -> None:
    change("WECHAT", message_mode="plain")

    assert portal.post(*Wechat("plain").sign(body)).refusal == REFUSED
    assert counted() == {"doctype": 1}


@pytest.mark.parametrize("body", DOCTYPES)
def test_a_document_type_is_refused_inside_the_envelope(portal: Portal, body: bytes) -> None:
    assert portal.post(*Wechat().sign(body)).refusal == REFUSED
    assert counted() == {"doctype": 1}


@pytest.mark.parametrize("body", DOCTYPES)
def test_a_document_type_is_refused_of_the_envelope(portal: Portal, body: bytes) -> None:
    query, envelope = Wechat().sign(MESSAGE)

    assert portal.post(query, body[: body.rindex(b"<xml")] + envelope).refusal == REFUSED
    assert counted() == {"doctype": 1}


def test_a_body_over_the_limit_is_refused_unread(portal: Portal) -> None:
    query, _ = Wechat().sign(MESSAGE)

    assert portal.post(query, b"x" * (LARGEST + 1)).refusal == REFUSED
    assert counted() == {"too_large": 1}
    assert portal.last_input.taken == 0


def test_a_chunked_body_is_read_no_further_than_the_limit(portal: Portal) -> None:
    query, _ = Wechat().sign(MESSAGE)

    assert portal.post(query, b"x" * (10 * LARGEST), chunked=True).refusal == REFUSED
    assert counted() == {"too_large": 1}
    assert portal.last_input.taken == LARGEST + 1


@pytest.mark.django_db
def test_a_chunked_message_is_answered(portal: Portal) -> None:
    assert portal.post(*Wechat().sign(MESSAGE), chunked=True).status == 200


@pytest.mark.django_db
def test_a_message_of_exactly_the_limit_is_answered(portal: Portal, change: Change) -> None:
    change("WECHAT", message_mode="plain")
    message = b"<xml><Event>other</Event></xml>"

    answer = portal.post(*Wechat("plain").sign(message + b" " * (LARGEST - len(message))))

    assert (answer.status, answer.body) == (200, b"success")


@pytest.mark.parametrize("length", ["5", "66000", "-1", "abc", "9" * 30, "1e3"])
def test_a_length_that_lies_is_refused(portal: Portal, length: str) -> None:
    query, body = Wechat().sign(MESSAGE)

    assert portal.post(query, body, CONTENT_LENGTH=length).refusal == REFUSED
    assert portal.last_input.taken <= 5


@pytest.mark.django_db
def test_a_body_shorter_than_its_length_is_what_came(portal: Portal) -> None:
    query, body = Wechat().sign(MESSAGE)

    assert portal.post(query, body, CONTENT_LENGTH=str(len(body) + 100)).status == 200
    assert portal.post(query, body[:-20], CONTENT_LENGTH=str(len(body))).refusal == REFUSED


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"])
def test_another_method_is_refused(portal: Portal, method: str) -> None:
    query, body = Wechat().sign(MESSAGE)

    assert portal.request(method, "/wechat/callback/", urlencode(query), body).refusal == REFUSED


@pytest.mark.parametrize("name", ["signature", "timestamp", "nonce", "echostr"])
def test_a_verification_lacks_nothing(portal: Portal, name: str) -> None:
    wechat = Wechat()
    query = {
        "signature": sign(wechat.token, wechat.timestamp, wechat.nonce),
        "timestamp": wechat.timestamp,
        "nonce": wechat.nonce,
        "echostr": "<b>4375",
    }

    assert portal.get(query).body == b"<b>4375"
    assert portal.get(without(query, name)).refusal == REFUSED
    assert portal.get(query | {"signature": "0" * 40}).refusal == REFUSED


@pytest.mark.django_db
def test_refusals_become_one_row_an_hour_and_reason(portal: Portal) -> None:
    query, body = Wechat().sign(MESSAGE)
    for source in ("10.0.0.1", "10.0.0.2", "10.0.0.3"):
        portal.post(query | {"nonce": "other"}, body, REMOTE_ADDR=source)
    audit.refusals.write()
    portal.post(query | {"nonce": "other"}, body, REMOTE_ADDR="10.0.0.4")
    portal.post(query | {"timestamp": "1"}, body)

    audit.refusals.write()

    rows = {row.reason: row for row in CallbackRefusal.objects.all()}
    assert {reason: row.count for reason, row in rows.items()} == {"signature": 4, "timestamp": 1}
    assert rows["signature"].last_source == "10.0.0.4"
    now = datetime.now(UTC)
    assert now - rows["signature"].last_at < timedelta(minutes=1)
    assert rows["signature"].hour == rows["signature"].last_at.replace(minute=0, second=0, microsecond=0)
    assert not Callback.objects.exists()


@pytest.mark.django_db
def test_each_hour_has_a_row_of_its_own() -> None:
    noon = datetime(2026, 11, 24, 12, 59, 59, tzinfo=UTC)
    audit.refusals.count("signature", None, noon)
    audit.refusals.count("signature", "2001:db8::1", noon + timedelta(seconds=1))

    audit.refusals.write()

    assert [row.hour.hour for row in CallbackRefusal.objects.order_by("hour")] == [12, 13]


@pytest.mark.django_db
def test_nothing_counted_writes_nothing() -> None:
    audit.refusals.write()

    assert not CallbackRefusal.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_counts_that_were_not_written_are_kept() -> None:
    counter = RefusalCounter()
    moment = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
    counter.count("signature", "10.0.0.1", moment)
    counter.count("mode", "10.0.0.1", moment)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE wechat_callbackrefusal RENAME TO away")
    try:
        with pytest.raises(DatabaseError):
            counter.write()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE away RENAME TO wechat_callbackrefusal")
    counter.count("signature", "10.0.0.2", moment + timedelta(seconds=1))

    counter.write()

    row = CallbackRefusal.objects.get(reason="signature")
    assert (row.count, row.last_source, row.last_at) == (2, "10.0.0.2", moment + timedelta(seconds=1))
    assert CallbackRefusal.objects.get(reason="mode").count == 1


def test_counts_that_come_back_join_those_that_came_since() -> None:
    counter = RefusalCounter()
    moment = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
    counter.count("signature", "10.0.0.1", moment)
    earlier = counter.take()
    counter.count("signature", "10.0.0.2", moment + timedelta(seconds=1))

    counter.take_back(earlier)

    assert [(tally.count, tally.last_source) for tally in counter.take().values()] == [(2, "10.0.0.2")]
