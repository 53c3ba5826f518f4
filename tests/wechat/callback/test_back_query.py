"""`waybill_notify_query` through the whole portal, in each mode and format."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from tests.wechat.callback.conftest import KEY, OLD_KEY, RECEIVER, SENDER, TEAM, USERNAME, Portal, Wechat
from waybills.documents import PathDocument
from waybills.models import Path, Waybill
from wechat.messages import parse

pytestmark = pytest.mark.django_db
PostWaybill = Callable[..., None]

MODES = [(mode, data_format) for mode in ("safe", "compat", "plain") for data_format in ("xml", "json")]
TRAIL = (
    (1600000000, 100001, PathDocument("已揽收", "王五", "13900139000")),
    (1600000300, 300002, PathDocument("派送中 <&> ]]>", "", "", "张三", "10086")),
)


def ask(portal: Portal, wechat: Wechat, **fields: Any) -> dict[str, Any]:
    """Return the answer's fields as JSON would have them."""
    answer = portal.post(*wechat.sign(wechat.query_message(**fields)))
    assert answer.status == 200
    message, raw = wechat.read(answer)
    if wechat.data_format == "json":
        return dict(orjson.loads(raw))
    return {name: values[0] for name, values in message.fields.items()} | {"Path": raw.count(b"<Path>")}


@pytest.mark.parametrize(("mode", "data_format"), MODES)
def test_the_whole_trail_goes_back_in_the_mode_and_format_of_the_query(
    portal: Portal, post_waybill: PostWaybill, change: Any, mode: str, data_format: str
) -> None:
    change("WECHAT", message_mode=mode)
    post_waybill(paths=TRAIL)
    wechat = Wechat(mode, data_format)

    reply = ask(portal, wechat)

    assert reply["ToUserName"] == TEAM
    assert reply["FromUserName"] == USERNAME
    assert (str(reply["CreateTime"]), reply["MsgType"]) == ("1600152165", "event")
    assert reply["Event"] == "waybill_notify_query"
    assert (str(reply["ResultCode"]), reply["ResultMsg"]) == ("0", "OK")
    assert str(reply["WaybillCreateTime"]) == "1600000000"
    assert reply["Path"] == (2 if data_format == "xml" else JSON_PATH)


JSON_PATH = [
    {
        "ActionTime": 1600000300,
        "ActionType": 300002,
        "ActionMsg": "派送中 <&> ]]>",
        "DeliveryCourierName": "张三",
        "DeliveryCourierPhone": "10086",
    },
    {
        "ActionTime": 1600000000,
        "ActionType": 100001,
        "ActionMsg": "已揽收",
        "PickupCourierName": "王五",
        "PickupCourierPhone": "13900139000",
    },
]


def test_the_xml_reply_byte_for_byte(portal: Portal, post_waybill: PostWaybill, wechat: Wechat) -> None:
    post_waybill(paths=TRAIL)

    _, raw = wechat.read(portal.post(*wechat.sign(wechat.query_message())))

    assert raw.decode() == (
        f"<xml><ToUserName>{TEAM}</ToUserName><FromUserName>{USERNAME}</FromUserName>"
        "<CreateTime>1600152165</CreateTime><MsgType>event</MsgType><Event>waybill_notify_query</Event>"
        "<ResultCode>0</ResultCode><ResultMsg>OK</ResultMsg><WaybillCreateTime>1600000000</WaybillCreateTime>"
        "<Path><ActionTime>1600000300</ActionTime><ActionType>300002</ActionType>"
        "<ActionMsg>派送中 &lt;&amp;&gt; ]]&gt;</ActionMsg>"
        "<DeliveryCourierName>张三</DeliveryCourierName><DeliveryCourierPhone>10086</DeliveryCourierPhone></Path>"
        "<Path><ActionTime>1600000000</ActionTime><ActionType>100001</ActionType><ActionMsg>已揽收</ActionMsg>"
        "<PickupCourierName>王五</PickupCourierName><PickupCourierPhone>13900139000</PickupCourierPhone></Path></xml>"
    )


def test_ties_come_in_reverse_order_of_arrival(portal: Portal, post_waybill: PostWaybill) -> None:
    for text in ("first", "second", "third"):
        post_waybill(paths=((1600000000, 200001, PathDocument(text)),))

    reply = ask(portal, Wechat(data_format="json"))

    assert [path["ActionMsg"] for path in reply["Path"]] == ["third", "second", "first"]


def test_a_type_outside_the_table_passes_through(portal: Portal, post_waybill: PostWaybill) -> None:
    post_waybill(paths=TRAIL)
    Path.objects.filter(action_type=300002).update(action_type=300001)

    reply = ask(portal, Wechat(data_format="json"))

    assert reply["Path"][0]["ActionType"] == 300001


def test_a_voided_path_is_not_told(portal: Portal, post_waybill: PostWaybill) -> None:
    post_waybill(paths=TRAIL)
    Path.objects.filter(action_type=300002).update(voided_at="2026-01-01T00:00:00Z")

    reply = ask(portal, Wechat(data_format="json"))

    assert [path["ActionType"] for path in reply["Path"]] == [100001]


def test_a_waybill_without_a_trail_is_found(portal: Portal, post_waybill: PostWaybill) -> None:
    post_waybill()

    reply = ask(portal, Wechat(data_format="json"))

    assert (reply["ResultCode"], reply["Path"], reply["WaybillCreateTime"]) == (0, [], 1600000000)


@pytest.mark.parametrize("data_format", ["xml", "json"])
@pytest.mark.parametrize(
    ("code", "fields"),
    [
        (1001, {"no": "SF2"}),
        (1001, {"no": "9" * 60_000}),
        (1002, {"receiver": "13763357712"}),
        (1002, {"receiver": "1" * 60_000}),
        (1003, {"no": ""}),
        (1003, {"receiver": " "}),
    ],
)
def test_without_a_match_there_is_a_code_and_no_trail(
    portal: Portal, post_waybill: PostWaybill, data_format: str, code: int, fields: dict[str, str], change: Any
) -> None:
    change("WECHAT", message_mode="plain")
    post_waybill(paths=TRAIL)

    reply = ask(portal, Wechat("plain", data_format), **fields)

    assert str(reply["ResultCode"]) == str(code)
    assert str(reply["WaybillCreateTime"]) == "0"
    assert reply["Path"] == (0 if data_format == "xml" else [])
    assert (reply["ToUserName"], reply["FromUserName"]) == (TEAM, USERNAME)


def test_a_stub_is_no_waybill_yet(portal: Portal, post_waybill: PostWaybill) -> None:
    post_waybill()
    Waybill.objects.update(
        posted_at=None, sealed=None, digest=None, create_time=None, receiver_phone_index=None, receiver_is_mobile=None
    )

    assert ask(portal, Wechat(data_format="json"))["ResultCode"] == 1001


@pytest.mark.parametrize(
    "changed",
    [
        {"WaybillId": ["SF1"]},
        {"ReceiverPhone": [RECEIVER]},
        {"ReceiverPhone": int(RECEIVER)},
        {"ReceiverPhone": "+86 137-6335-7711"},
        {"ReceiverPhone": "１３７６３３５７７１１"},
        {"CreateTime": "1600152165"},
        {"WaybillId": " SF1\r\n"},
        {"Event": "Waybill_Notify_QUERY"},
        {"Event": ["waybill_notify_query"]},
        {"Unknown": {"a": [1, {"b": None}]}, "Another": [1, 2]},
        {"SenderPhone": None},
    ],
)
def test_json_is_read_tolerantly(portal: Portal, post_waybill: PostWaybill, changed: dict[str, Any]) -> None:
    post_waybill(paths=TRAIL)

    reply = ask(portal, Wechat(data_format="json"), **changed)

    assert (reply["ResultCode"], reply["CreateTime"], len(reply["Path"])) == (0, 1600152165, 2)


@pytest.mark.parametrize(
    "changed",
    [
        {"WaybillId": ["SF1", "SF1"]},
        {"WaybillId": []},
        {"WaybillId": {"a": "SF1"}},
        {"WaybillId": None},
        {"WaybillId": True},
        {"ReceiverPhone": [[RECEIVER]]},
        {"Deep": [[[[[[[[[]]]]]]]]]},
        {f"f{n}": n for n in range(80)},
    ],
)
def test_a_malformed_query_is_told_so(portal: Portal, post_waybill: PostWaybill, changed: dict[str, Any]) -> None:
    post_waybill(paths=TRAIL)

    reply = ask(portal, Wechat(data_format="json"), **changed)

    assert (reply["ResultCode"], reply["Path"], reply["WaybillCreateTime"]) == (1003, [], 0)


@pytest.mark.parametrize(
    "more",
    [
        "<WaybillId>SF1</WaybillId>",
        f"<ReceiverPhone>{RECEIVER}</ReceiverPhone>",
        "<A>" * 8 + "</A>" * 8,
        "<A/>" * 80,
        "<A " + " ".join(f"a{n}='1'" for n in range(20)) + "/>",
    ],
)
def test_structure_is_limited_in_xml(portal: Portal, post_waybill: PostWaybill, wechat: Wechat, more: str) -> None:
    post_waybill(paths=TRAIL)
    message = wechat.query_message().replace(b"</xml>", more.encode() + b"</xml>")

    reply, _ = wechat.read(portal.post(*wechat.sign(message)))

    assert reply.text("ResultCode") == "1003"


@pytest.mark.parametrize("more", ["<A><B>1</B></A>", '<A a="1">x</A>', "<A>1</A><A>2</A>", "<!-- a --><?b c?>"])
def test_unknown_structure_is_tolerated_in_xml(
    portal: Portal, post_waybill: PostWaybill, wechat: Wechat, more: str
) -> None:
    post_waybill(paths=TRAIL)
    message = wechat.query_message().replace(b"</xml>", more.encode() + b"</xml>")

    reply, _ = wechat.read(portal.post(*wechat.sign(message)))

    assert reply.text("ResultCode") == "0"


def test_elements_inside_a_number_are_no_number(portal: Portal, post_waybill: PostWaybill, wechat: Wechat) -> None:
    post_waybill(paths=TRAIL)
    message = wechat.query_message(no="<i>SF1</i>")

    reply, _ = wechat.read(portal.post(*wechat.sign(message)))

    assert reply.text("ResultCode") == "1003"


def test_a_number_of_many_digits_keeps_them_all(portal: Portal, post_waybill: PostWaybill) -> None:
    post_waybill("12345678901234567890123", paths=TRAIL)
    wechat = Wechat(data_format="json")
    message = wechat.query_message().replace(b'"SF1"', b"12345678901234567890123")

    _, raw = wechat.read(portal.post(*wechat.sign(message)))

    assert orjson.loads(raw)["ResultCode"] == 0


@pytest.mark.parametrize("name", ["WaybillId", "ReceiverPhone"])
def test_a_name_repeated_in_json_is_malformed(portal: Portal, post_waybill: PostWaybill, name: str) -> None:
    post_waybill(paths=TRAIL)
    wechat = Wechat(data_format="json")
    message = wechat.query_message().replace(b"{", f'{{"{name}":"SF1",'.encode(), 1)

    _, raw = wechat.read(portal.post(*wechat.sign(message)))

    assert orjson.loads(raw)["ResultCode"] == 1003


def test_a_lone_surrogate_is_malformed(portal: Portal, post_waybill: PostWaybill) -> None:
    post_waybill(paths=TRAIL)
    wechat = Wechat(data_format="json")
    message = wechat.query_message().replace(b'"SF1"', b'"SF1\\ud800"').replace(TEAM.encode(), b"\\udfff")

    _, raw = wechat.read(portal.post(*wechat.sign(message)))

    reply = orjson.loads(raw)
    assert (reply["ResultCode"], reply["ToUserName"]) == (1003, "?")


@pytest.mark.parametrize("data_format", ["xml", "json"])
@pytest.mark.parametrize("create_time", ["", "soon", "9" * 5000, "１６００"])
def test_an_odd_creation_time_does_not_break_the_reply(
    portal: Portal, post_waybill: PostWaybill, create_time: str, data_format: str
) -> None:
    post_waybill(paths=TRAIL)

    reply = ask(portal, Wechat(data_format=data_format), CreateTime=create_time)

    assert (str(reply["ResultCode"]), str(reply["CreateTime"])) == ("0", "0")


def test_each_copy_of_a_query_is_answered_in_full(portal: Portal, post_waybill: PostWaybill, wechat: Wechat) -> None:
    post_waybill(paths=TRAIL)
    request = wechat.sign(wechat.query_message())

    first, second = portal.post(*request), portal.post(*request)

    assert wechat.read(first)[1] == wechat.read(second)[1]
    assert wechat.read(second)[1].count(b"<Path>") == 2


@pytest.mark.parametrize("key", [KEY, OLD_KEY])
def test_the_reply_goes_back_under_the_key_that_opened_the_query(
    portal: Portal, post_waybill: PostWaybill, key: bytes
) -> None:
    post_waybill(paths=TRAIL)
    wechat = Wechat(key=key)

    reply, _ = wechat.read(portal.post(*wechat.sign(wechat.query_message())))

    assert reply.text("ResultCode") == "0"


def test_in_compat_mode_only_the_encrypted_part_counts(portal: Portal, post_waybill: PostWaybill, change: Any) -> None:
    change("WECHAT", message_mode="compat")
    post_waybill(paths=TRAIL)
    wechat = Wechat("compat")
    query, body = wechat.sign(wechat.query_message())

    answer = portal.post(query, body.replace(b"<WaybillId>SF1<", b"<WaybillId>SF2<"))

    assert wechat.read(answer)[0].text("ResultCode") == "0"


def test_the_specification_s_own_example_is_answered(portal: Portal, post_waybill: PostWaybill, wechat: Wechat) -> None:
    # wechat-logistics-push.md, section 4.2, read 2026-11.
    message = b"""<xml>
<ToUserName>gh_ea48699fb159</ToUserName>
<FromUserName>oHt_80DRclK4qjKfdYnPg6RxxsNI</FromUserName>
<MsgType>event</MsgType>
<Event>waybill_notify_query</Event>
<CreateTime>1600152165</CreateTime>
<WaybillId>557007127498128</WaybillId>
<SenderPhone>13763357711</SenderPhone>
<ReceiverPhone>13763357711</ReceiverPhone>
</xml>"""
    post_waybill("557007127498128", sender="13763357711")

    reply, _ = wechat.read(portal.post(*wechat.sign(message)))

    assert reply.text("ResultCode") == "0"


def test_reply_text_survives_its_own_reader(portal: Portal, post_waybill: PostWaybill, wechat: Wechat) -> None:
    post_waybill(paths=TRAIL)

    _, raw = wechat.read(portal.post(*wechat.sign(wechat.query_message(sender=SENDER))))

    assert parse(raw).fields["Path"] == [None, None]
