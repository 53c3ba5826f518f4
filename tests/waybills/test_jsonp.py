"""The landing page's data through the web process's own entry."""

import json
import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.core.cache import cache
from django.utils import timezone

from tests.waybills.conftest import path_item, waybill_item
from tests.wsgi import Response, call
from waybills.documents import Contact, PathDocument
from waybills.ingest import PathItem, ingest
from waybills.models import Cell, Path, Waybill
from waybills.proofs import link_proof

pytestmark = pytest.mark.django_db

RECEIVER = Contact(name="欧阳锋", phone="13912345678", province="福建省", city="泉州市", address="庄宅北区158-6")


@pytest.fixture(autouse=True)
def _stored(now: datetime) -> None:
    cache.clear()
    courier = PathDocument(
        "【李四/13766668888】正在派件，收件人欧阳锋 139-1234-5678",
        delivery_courier_name="李四",
        delivery_courier_phone="13766668888",
    )
    delivery = PathItem("SF/1", int(now.timestamp()), 300002, courier)
    ingest([waybill_item("SF/1", receiver=RECEIVER)], [path_item("SF/1", 30, 100001, "已揽收"), delivery], now=now)
    Cell.objects.create(key="pay", name="支付运单", link="https://example.com/pay?no={waybill_id}", position=1)
    Cell.objects.create(key="detail", name="运单详情", link="https://example.com/d", position=0)


def ask(**parameters: str) -> Response:
    return call("GET", "/waybills/info/", urlencode({"waybill_id": "SF/1"} | parameters))


def data(response: Response) -> dict[str, Any]:
    text = response.text
    found = re.fullmatch(r"/\*\*/[\w$.]+\((.*)\);", text)
    loaded: dict[str, Any] = json.loads(found[1] if found else text)
    return loaded


def test_the_payload_is_the_agreed_one(now: datetime) -> None:
    response = ask(callback="app.show")

    assert response.text.startswith('/**/app.show({"ResultCode":0,"ResultMsg":"OK","WaybillId":"SF/1"')
    assert data(response) == {
        "ResultCode": 0,
        "ResultMsg": "OK",
        "WaybillId": "SF/1",
        "WaybillCreateTime": int(now.timestamp()) - 3600,
        "Sender": {"Name": "张*", "Province": "", "City": ""},
        "Receiver": {"Name": "欧**", "Province": "福建省", "City": "泉州市"},
        "Path": [
            {
                "ActionTime": int(now.timestamp()),
                "ActionType": 300002,
                "ActionMsg": "【李四/13766668888】正在派件，收件人欧** 139-****-****",
                "DeliveryCourierName": "李四",
                "DeliveryCourierPhone": "13766668888",
            },
            {"ActionTime": int(now.timestamp()) - 1800, "ActionType": 100001, "ActionMsg": "已揽收"},
        ],
        "Cell": [
            {"Key": "detail", "Name": "运单详情", "Link": "https://example.com/d"},
            {"Key": "pay", "Name": "支付运单", "Link": "https://example.com/pay?no=SF%2F1"},
        ],
    }


def test_the_headers_let_another_origin_load_it_and_nothing_sniff_or_keep_it() -> None:
    headers = ask(callback="f").headers

    assert headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in headers


def test_without_a_callback_it_is_json() -> None:
    response = ask()

    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert json.loads(response.body)["ResultCode"] == 0


@pytest.mark.parametrize(
    "name",
    ["", "alert(1)", "a b", "a;b", "a[0]", ".a", "a.", "a..b", "1a", "x" * 65, "this.f", "var", "回", "a\u2028b"],
)
def test_what_is_no_function_name_is_refused(name: str) -> None:
    response = ask(callback=name)

    assert response.status == 400
    assert name == "" or name not in response.text


def test_a_repeated_callback_is_refused() -> None:
    assert call("GET", "/waybills/info/", "waybill_id=SF/1&callback=a&callback=a").status == 400


def test_a_query_without_end_is_refused() -> None:
    query = "waybill_id=SF/1&callback=f" + "".join(f"&p{n}=1" for n in range(31))

    assert call("GET", "/waybills/info/", query).status == 400


@pytest.mark.parametrize("query", ["waybill_id=nope", "", "waybill_id=SF/1&waybill_id=SF/1", "waybill_id=" + "9" * 99])
def test_what_is_not_there_is_told_with_empty_lists_and_200(query: str) -> None:
    response = call("GET", "/waybills/info/", query + "&callback=f")

    assert response.status == 200
    answer = data(response)
    assert (answer["ResultCode"], answer["Path"], answer["Cell"]) == (1001, [], [])


def test_a_stub_is_not_there() -> None:
    ingest([], [path_item("SF2")])

    assert data(call("GET", "/waybills/info/", "waybill_id=SF2"))["ResultCode"] == 1001


def test_a_number_with_spaces_around_it_is_found() -> None:
    assert data(ask(waybill_id=" SF/1\n"))["ResultCode"] == 0


def test_line_separators_and_tags_are_no_script() -> None:
    ingest([], [path_item("SF/1", text="</script><b>\u2028\u2029")])

    response = ask(callback="f")

    assert "\u2028" not in response.text
    assert "<" not in response.text
    assert data(response)["Path"][0]["ActionMsg"] == "</script><b>\u2028\u2029"


def test_data_that_do_not_open_are_a_fault_and_never_shown(change: Any) -> None:
    change("SEAL", keys=(b"k" * 32,))

    answer = data(ask(callback="f"))

    assert (answer["ResultCode"], answer["Path"], answer["Receiver"]["Name"]) == (1005, [], "")


def test_a_void_event_is_not_shown() -> None:
    Path.objects.filter(action_type=300002).update(voided_at=timezone.now())

    assert [node["ActionType"] for node in data(ask())["Path"]] == [100001]


def test_too_many_requests_of_a_client_are_told_so(change: Any) -> None:
    change("JSONP", rate=(2, 3600))

    codes = [data(ask())["ResultCode"] for _ in range(3)]

    assert codes == [0, 0, 1004]
    assert data(call("GET", "/waybills/info/", "waybill_id=SF/1", REMOTE_ADDR="127.0.0.2"))["ResultCode"] == 0


def test_the_tail_of_the_receivers_phone_opens_the_page(change: Any) -> None:
    change("JSONP", proof="phone_tail")

    assert data(ask(phone_tail="5678"))["ResultCode"] == 0
    assert data(ask(phone_tail="0000")) == {**data(ask()), "ResultCode": 1001}
    assert "5678" not in ask(phone_tail="5678").text


def test_five_wrong_proofs_lock_the_waybill_for_this_client(change: Any) -> None:
    change("JSONP", proof="phone_tail")

    wrong = [data(ask(phone_tail="0000"))["ResultCode"] for _ in range(5)]

    assert wrong == [1001] * 5
    assert data(ask(phone_tail="5678"))["ResultCode"] == 1004
    assert data(call("GET", "/waybills/info/", "waybill_id=SF/1&phone_tail=5678", REMOTE_ADDR="127.0.0.2"))["Path"]


def test_a_hundred_wrong_proofs_lock_the_waybill_for_everybody(change: Any) -> None:
    change("JSONP", proof="phone_tail")
    for client in range(20):
        for _ in range(5):
            call("GET", "/waybills/info/", "waybill_id=SF/1", REMOTE_ADDR=f"127.0.1.{client}")

    assert data(ask(phone_tail="5678"))["ResultCode"] == 1004


def test_an_unknown_waybill_and_a_wrong_proof_look_the_same(change: Any) -> None:
    change("JSONP", proof="phone_tail")

    unknown = ask(waybill_id="NOPE", phone_tail="5678", callback="f").text
    wrong = ask(phone_tail="0000", callback="f").text

    assert unknown.replace("NOPE", "SF/1") == wrong


def test_no_word_opens_a_waybill_whose_receiver_has_no_tail(change: Any) -> None:
    change("JSONP", proof="phone_tail")
    ingest([waybill_item("SF9", receiver=Contact(name="王", phone="110"))], [])

    for tail in ("none", "110", "", "0110"):
        assert data(ask(waybill_id="SF9", phone_tail=tail))["ResultCode"] == 1001


def test_guesses_at_a_waybill_that_does_not_exist_are_counted_like_any_other(change: Any) -> None:
    change("JSONP", proof="phone_tail")

    codes = [data(ask(waybill_id="NOPE", phone_tail="none"))["ResultCode"] for _ in range(6)]

    assert codes == [1001] * 5 + [1004]


def test_the_addresses_of_one_ipv6_network_are_one_client(change: Any) -> None:
    change("JSONP", rate=(2, 3600))

    codes = [
        data(call("GET", "/waybills/info/", "waybill_id=SF/1", REMOTE_ADDR=f"2001:db8::{n}"))["ResultCode"]
        for n in range(1, 4)
    ]

    assert codes == [0, 0, 1004]


def test_the_nodes_are_opened_only_for_who_may_see_them(change: Any) -> None:
    change("JSONP", proof="phone_tail")
    Path.objects.update(sealed=b"not a sealed document at all, but long enough")

    assert data(ask(phone_tail="0000"))["ResultCode"] == 1001
    assert data(ask(phone_tail="5678"))["ResultCode"] == 1005


def test_a_signed_link_opens_its_own_waybill_until_it_expires(change: Any) -> None:
    change("JSONP", proof="signature")
    good = link_proof("SF/1", timezone.now() + timedelta(hours=1))
    old = link_proof("SF/1", timezone.now() - timedelta(seconds=1))
    other = link_proof("SF2", timezone.now() + timedelta(hours=1))

    assert data(ask(**good))["ResultCode"] == 0
    assert data(ask(**old))["ResultCode"] == 1001
    assert data(ask(**other))["ResultCode"] == 1001
    assert data(ask(**(good | {"expires": "9999999999"})))["ResultCode"] == 1001


def test_other_parameter_names_can_be_agreed(change: Any) -> None:
    change("JSONP", waybill_param="mailno", callback_param="cb")

    response = call("GET", "/waybills/info/", f"mailno={quote('SF/1')}&cb=f")

    assert response.text.startswith("/**/f(")
    assert Waybill.objects.count() == 1
