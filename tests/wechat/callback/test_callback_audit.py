"""Every verified callback leaves a row; a fault of ours is a 503 and leaves one where it can."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import orjson
import pytest
from django.db import connection

from tests.live import eventually
from tests.wechat.callback.conftest import RECEIVER, Portal, Wechat
from waybills.documents import PathDocument
from waybills.models import Path
from waybills.sealing import SealBroken
from wechat import audit
from wechat.audit import Arrival, CallbackQueue, CallbackRow
from wechat.documents import unseal_callback
from wechat.envelope import Received
from wechat.exceptions import CallbackFault
from wechat.messages import parse
from wechat.models import Callback, CallbackOutcome

pytestmark = pytest.mark.django_db
PostWaybill = Callable[..., None]
TRAIL = ((1600000000, 100001, PathDocument("已揽收")),)


def the_row() -> Callback:
    audit.queue.write()
    return Callback.objects.get()


def test_an_answered_query_leaves_its_evidence(portal: Portal, post_waybill: PostWaybill, wechat: Wechat) -> None:
    post_waybill(paths=TRAIL)
    message = wechat.query_message()

    answer = portal.post(*wechat.sign(message), REMOTE_ADDR="203.0.113.9")

    row = the_row()
    assert (row.event, row.waybill_no, row.outcome) == ("waybill_notify_query", "SF1", CallbackOutcome.ANSWERED)
    assert (row.result_code, row.sender_differs, row.source) == (0, False, "203.0.113.9")
    assert timedelta(0) <= datetime.now(UTC) - row.received_at < timedelta(minutes=1)
    assert 0 < row.duration_us < 60_000_000
    document = unseal_callback(row.id, bytes(row.sealed or b""))
    assert document.message.encode() == message
    assert document.answer.encode() == wechat.read(answer)[1]


def test_the_evidence_is_not_readable_without_the_key(
    portal: Portal, post_waybill: PostWaybill, wechat: Wechat
) -> None:
    post_waybill(paths=TRAIL)

    portal.post(*wechat.sign(wechat.query_message()))

    assert RECEIVER.encode() not in bytes(the_row().sealed or b"")


@pytest.mark.parametrize(
    ("sender", "differs"), [("13800138001", False), ("13800138002", True), ("", False), ("+86 138-0013-8001", False)]
)
def test_a_sender_s_phone_that_differs_is_recorded_only(
    portal: Portal, post_waybill: PostWaybill, wechat: Wechat, sender: str, differs: bool
) -> None:
    post_waybill(paths=TRAIL)

    answer = portal.post(*wechat.sign(wechat.query_message(sender=sender)))

    assert wechat.read(answer)[0].text("ResultCode") == "0"
    assert the_row().sender_differs is differs


def test_a_waybill_without_a_sender_differs_from_any(portal: Portal, post_waybill: PostWaybill, wechat: Wechat) -> None:
    post_waybill(sender="")

    portal.post(*wechat.sign(wechat.query_message()))

    assert the_row().sender_differs is True


@pytest.mark.parametrize(
    ("code", "fields"), [(1001, {"no": "SF2"}), (1002, {"receiver": "13800138000"}), (1003, {"no": ""})]
)
def test_an_answer_without_a_trail_leaves_its_code(
    portal: Portal, post_waybill: PostWaybill, wechat: Wechat, code: int, fields: dict[str, str]
) -> None:
    post_waybill()

    portal.post(*wechat.sign(wechat.query_message(**fields)))

    assert (the_row().outcome, the_row().result_code) == (CallbackOutcome.ANSWERED, code)


def test_any_other_event_leaves_its_name(portal: Portal) -> None:
    wechat = Wechat(data_format="json")

    portal.post(*wechat.sign(b'{"Event":"User_Enter\\u0000\\ud800_Tempsession' + b"x" * 100 + b'"}'))

    row = the_row()
    assert row.event == ("user_enter_tempsession" + "x" * 100)[:64]
    assert (row.outcome, row.result_code, row.waybill_no) == (CallbackOutcome.ACKNOWLEDGED, None, "")
    assert unseal_callback(row.id, bytes(row.sealed or b"")).answer == "success"


def test_long_and_odd_numbers_fit_their_column(portal: Portal, wechat: Wechat) -> None:
    answer = portal.post(*wechat.sign(wechat.query_message(no="9" * 300)))

    assert wechat.read(answer)[0].text("ResultCode") == "1001"
    assert the_row().waybill_no == "9" * 64


def test_the_client_s_address_is_looked_up_behind_trusted_proxies(
    portal: Portal, wechat: Wechat, settings: Any
) -> None:
    settings.TRUSTED_PROXIES = (ip_network("10.0.0.0/8"),)

    portal.post(
        *wechat.sign(wechat.query_message()), REMOTE_ADDR="10.1.1.1", HTTP_X_FORWARDED_FOR="6.6.6.6, 203.0.113.7"
    )

    assert the_row().source == "203.0.113.7"


@pytest.mark.parametrize("data_format", ["xml", "json"])
def test_a_path_that_does_not_open_is_a_fault(
    portal: Portal, post_waybill: PostWaybill, data_format: str, caplog: pytest.LogCaptureFixture
) -> None:
    post_waybill(paths=TRAIL)
    Path.objects.update(sealed=b"\x00" * 60)
    wechat = Wechat(data_format=data_format)

    with caplog.at_level(logging.ERROR, "wechat.audit"):
        answer = portal.post(*wechat.sign(wechat.query_message()))

    assert (answer.status, answer.body) == (503, b"try again")
    row = the_row()
    assert (row.outcome, row.result_code, row.waybill_no) == (CallbackOutcome.FAULT, None, "SF1")
    assert (row.event, row.sealed) == ("waybill_notify_query", None)
    assert "SF1" in caplog.text
    assert RECEIVER not in caplog.text


def test_an_event_s_name_forges_no_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    message = parse(b'{"Event": "x\\n2026 error forged\\u001b[31m"}')

    with (
        caplog.at_level(logging.ERROR, "wechat.audit"),
        pytest.raises(CallbackFault),
        audit.faults_recorded(Arrival(datetime.now(UTC), 0.0, None), Received(b"", message, None)),
    ):
        raise SealBroken

    assert "callback x2026 error forged[31m of" in caplog.messages[0]


def test_a_database_that_is_away_is_a_fault(portal: Portal, post_waybill: PostWaybill, wechat: Wechat) -> None:
    post_waybill(paths=TRAIL)
    request = wechat.sign(wechat.query_message())
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE waybills_path RENAME TO waybills_path_away")

    answer = portal.post(*request)

    assert (answer.status, answer.body) == (503, b"try again")


def row(number: int = 0) -> CallbackRow:
    from waybills.uuid7 import uuid7

    return CallbackRow(uuid7(), datetime.now(UTC), 1, None, "event", str(number), CallbackOutcome.ANSWERED.value)


def test_the_queue_writes_everything_in_its_order() -> None:
    queue = CallbackQueue()
    for number in range(2500):
        queue.put(row(number))

    queue.write()

    assert not queue.waiting
    assert sorted(map(int, Callback.objects.values_list("waybill_no", flat=True))) == list(range(2500))


def test_a_row_that_is_written_twice_is_one_row() -> None:
    queue, once = CallbackQueue(), row()
    queue.put(once)
    queue.put(once)

    queue.write()

    assert Callback.objects.count() == 1


def test_without_room_for_the_evidence_there_is_no_answer() -> None:
    queue = CallbackQueue()
    for _ in range(10_000):
        queue.put(row())

    with pytest.raises(CallbackFault):
        queue.put(row())


def test_rows_are_bounded_by_their_bytes_too() -> None:
    queue, full = CallbackQueue(most_bytes=100), row()._replace(sealed=b"x" * 100)
    queue.put(full)

    with pytest.raises(CallbackFault):
        queue.put(row()._replace(sealed=b"x"))
    queue.put(row())
    queue.write()
    queue.put(full)

    assert [len(waiting.sealed or b"") for waiting in queue.waiting] == [100]


def test_the_bodies_of_ten_thousand_longest_messages_do_not_wait() -> None:
    queue, longest = CallbackQueue(), row()._replace(sealed=bytes(1024 * 1024))

    for _ in range(64):
        queue.put(longest)

    with pytest.raises(CallbackFault):
        queue.put(longest)


@pytest.mark.django_db(transaction=True)
def test_a_stopped_writer_has_written_all() -> None:
    queue = CallbackQueue(interval=60)
    queue.start()
    for number in range(3):
        queue.put(row(number))

    queue.stop()

    assert Callback.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_a_writer_writes_by_itself() -> None:
    import time

    queue = CallbackQueue(interval=0.01)
    queue.start()
    queue.put(row())
    deadline = time.monotonic() + 10
    while queue.waiting and time.monotonic() < deadline:
        time.sleep(0.01)

    assert Callback.objects.count() == 1
    queue.stop()


@pytest.mark.django_db(transaction=True)
def test_a_writer_outlives_a_database_that_is_away(caplog: pytest.LogCaptureFixture) -> None:
    queue = CallbackQueue(interval=0.01)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE wechat_callback RENAME TO wechat_callback_away")
    try:
        queue.put(row())
        queue.start()
        eventually(lambda: "not recorded yet" in caplog.text)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE wechat_callback_away RENAME TO wechat_callback")

    queue.stop()

    assert Callback.objects.count() == 1


def test_the_answer_is_json_where_the_query_was(portal: Portal, post_waybill: PostWaybill) -> None:
    post_waybill(paths=TRAIL)
    wechat = Wechat(data_format="json")

    answer = portal.post(*wechat.sign(wechat.query_message()))

    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert orjson.loads(unseal_callback(the_row().id, bytes(the_row().sealed or b"")).answer)["Event"]
