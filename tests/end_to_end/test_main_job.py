"""The main job over real HTTP with real processes: an event comes in, a message reaches the recipient's phone."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.system import System, system
from tests.live import eventually

pytestmark = pytest.mark.processes

PHONE = "13800138000"


def waybill(no: str, phone: str = PHONE) -> dict[str, Any]:
    now = int(time.time())
    return {
        "waybill_id": no,
        "create_time": now - 7200,
        "sender": {"name": "张三", "phone": "13800138001", "province": "浙江省", "city": "绍兴市"},
        "receiver": {
            "name": "李四",
            "phone": phone,
            "province": "福建省",
            "city": "泉州市",
            "address": "庄宅北区158-6",
        },
    }


def event(action_type: int, text: str, seconds_ago: int) -> dict[str, Any]:
    return {"action_time": int(time.time()) - seconds_ago, "action_type": action_type, "action_msg": text}


@pytest.mark.parametrize("data_format", ["xml", "json"])
@pytest.mark.parametrize("mode", ["safe", "compat", "plain"])
def test_an_event_by_rest_becomes_a_message_on_the_phone(tmp_path: Path, mode: str, data_format: str) -> None:
    with system(tmp_path, mode=mode, data_format=data_format) as running:
        running.bind(PHONE)

        posted = running.post(
            "/api/v1/waybills/",
            {
                **waybill("SF100"),
                "paths": [
                    event(100001, "【绍兴柯桥】已揽收", 120),
                    event(300002, "【王五/13766668888】正在派件 <请保持电话畅通> & 谢谢", 60),
                ],
            },
        )
        running.post("/api/v1/paths/", {"waybill_id": "SF100", **event(300003, "已签收，签收人：本人", 5)})

        messages = eventually(lambda: len(found := running.messages(PHONE)) == 2 and found)
        assert posted["paths"] == {"created": 2, "duplicates": 0, "waiting": 0}
        assert {message["action_type"] for message in messages} == {300002, 300003}
        pushes = eventually(lambda: _all_sent(running, "SF100", 3))
        assert [one["call"] for one in pushes[-1]["attempts"]][-1] == "pathnotify"
        _assert_whole_timeline(running.waybill_page("SF100"))


def _all_sent(running: System, no: str, count: int) -> list[dict[str, Any]] | None:
    pushes = running.pushes(no)
    return pushes if len(pushes) == count and {push["state"] for push in pushes} == {"sent"} else None


def _assert_whole_timeline(page: str) -> None:
    for text in ("SF100", "派送阶段-派送中", "userquery", "pathnotify", "微信反查", "已签收，签收人：本人"):
        assert text in page
    assert "13800138000" not in page


@pytest.fixture(scope="module")
def running(tmp_path_factory: Any) -> Iterator[System]:
    with system(tmp_path_factory.mktemp("running")) as one:
        yield one


def test_an_unbound_phone_gets_no_message_and_the_push_says_so(running: System) -> None:
    running.post("/api/v1/waybills/", {**waybill("SF201", "13900139001"), "paths": [event(300002, "派件中", 10)]})

    (push,) = eventually(lambda: (found := running.pushes("SF201")) and found[0]["state"] != "pending" and found)

    assert (push["state"], push["notified"]) == ("unbound", False)
    assert [one["call"] for one in push["attempts"]] == ["userquery"]
    assert running.messages("13900139001") == []


def test_an_event_before_its_waybill_is_pushed_when_it_comes(running: System) -> None:
    running.bind("13900139002")
    first = running.post("/api/v1/paths/", {"waybill_id": "SF202", **event(300002, "派件中", 10)})
    running.post("/api/v1/waybills/", waybill("SF202", "13900139002"))

    (message,) = eventually(lambda: running.messages("13900139002"))

    assert first["paths"] == {"created": 0, "duplicates": 0, "waiting": 1}
    assert message["waybill_id"] == "SF202"


def test_the_same_event_from_many_posts_is_one_message(running: System) -> None:
    running.bind("13900139003")
    whole = {**waybill("SF203", "13900139003"), "paths": [event(300002, "派件中", 10)]}
    for _ in range(5):
        running.post("/api/v1/waybills/", whole)

    eventually(lambda: _all_sent(running, "SF203", 1))

    assert len([call for call in running.ledger("pathnotify") if call["waybill_id"] == "SF203"]) == 1


def test_a_callback_that_cannot_be_reached_stops_the_messages_and_the_desk_says_why(tmp_path: Path) -> None:
    with system(tmp_path, callback="http://127.0.0.1:9/wechat/callback/") as broken:
        broken.bind(PHONE)

        broken.post("/api/v1/waybills/", {**waybill("SF300"), "paths": [event(300002, "派件中", 10)]})

        eventually(lambda: [one for one in _attempts(broken, "SF300") if one["errcode"] == 932001])
        assert broken.messages(PHONE) == []
        assert broken.pushes("SF300")[0]["state"] == "pending"
        page = broken.waybill_page("SF300")
        assert "932001" in page
        assert "反查" in page


def _attempts(running: System, no: str) -> list[dict[str, Any]]:
    return [attempt for push in running.pushes(no) for attempt in push["attempts"]]
