"""One waybill, as it was posted."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.waybills.api.conftest import MOMENT, RECEIVER, Api, event, path, waybill
from waybills.documents import unseal_path
from waybills.models import Act, Lane, Path, Push, PushAttempt, Waybill

pytestmark = pytest.mark.django_db


def test_what_was_posted_comes_back_with_its_trail_newest_first(api: Api) -> None:
    sender = {"name": "张三", "phone": "13800138001", "province": "浙江省", "city": "绍兴市", "id": "7"}
    first = event(action_type=100001, pickup_courier_name="李雷", pickup_courier_phone="13800138002")
    second = event(action_time=MOMENT + 300, action_type=300003, action_msg="已签收")
    api.post("waybills/", waybill(sender=sender, paths=[first, second]))

    answer = api.get("waybills/SF1/").json()

    pushes = answer.pop("pushes")
    assert answer == {
        "waybill_id": "SF1",
        "create_time": MOMENT - 600,
        "sender": sender,
        "receiver": RECEIVER,
        "paths": [second, first],
    }
    assert [(push["action_time"], push["action_type"]) for push in pushes] == [
        (MOMENT + 300, 300003),
        (MOMENT, 100001),
    ]


def test_a_push_comes_with_its_attempts_in_the_order_in_which_they_were_made(api: Api) -> None:
    api.post("waybills/", waybill(paths=[event(action_type=300002)]))
    push = Push.objects.get()
    began = timezone.now().replace(microsecond=0)
    calls = [("pathnotify", "open", None, None), ("userquery", "ok", 0, 1)]
    for place, (call, outcome, errcode, exist) in enumerate(calls):
        PushAttempt.objects.create(
            push=push,
            call=call,
            fence=1,
            trigger="event",
            started_at=began - timedelta(seconds=place),
            ended_at=None if outcome == "open" else began - timedelta(seconds=place) + timedelta(milliseconds=250),
            outcome=outcome,
            errcode=errcode,
            errmsg="ok" if errcode == 0 else "",
            exist=exist,
        )

    (answer,) = api.get("waybills/SF1/").json()["pushes"]

    assert {key: value for key, value in answer.items() if key not in {"created_at", "not_before"}} == {
        "id": push.pk,
        "waybill_id": "SF1",
        "action_type": 300002,
        "action_time": MOMENT,
        "state": "pending",
        "reason": "",
        "notified": False,
        "settled_at": None,
        "attempts": [
            {
                "call": "userquery",
                "started_at": int(began.timestamp()) - 1,
                "duration_ms": 250,
                "outcome": "ok",
                "errcode": 0,
                "errmsg": "ok",
                "exist": 1,
            },
            {
                "call": "pathnotify",
                "started_at": int(began.timestamp()),
                "duration_ms": None,
                "outcome": "open",
                "errcode": None,
                "errmsg": "",
                "exist": None,
            },
        ],
    }
    assert answer["created_at"] == answer["not_before"] == int(push.created_at.timestamp())


@pytest.mark.parametrize("no", ["nothing", "SF%00", "S%ED%A0%80F", "x" * 5000, "%2e%2e"])
def test_an_unknown_waybill_is_not_found(api: Api, no: str) -> None:
    response = api.get(f"waybills/{no}/")

    assert (response.status_code, response.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("no", ["SF/1", "运单 一", "SF1/", "a?b", "100%"])
def test_a_number_of_any_characters_is_found_by_it(api: Api, no: str) -> None:
    from urllib.parse import quote

    api.post("waybills/", waybill(no))

    assert api.get(f"waybills/{quote(no, safe='')}/").json()["waybill_id"] == no


def test_a_voided_event_leaves_the_trail(api: Api) -> None:
    api.post("waybills/", waybill(paths=[event(), event(action_type=300002)]))

    response = api.post(
        "paths/void/",
        {"waybill_id": "SF1", "action_time": MOMENT, "action_type": 300002, "reason": "误扫"},
    )
    answer = api.get("waybills/SF1/").json()

    assert (response.status_code, response.json()) == (200, {"voided": 1})
    assert [node["action_type"] for node in answer["paths"]] == [200001]
    assert {push["action_type"]: (push["state"], push["reason"]) for push in answer["pushes"]} == {
        200001: ("pending", ""),
        300002: ("cancelled", "path_voided"),
    }


def test_all_events_of_one_time_and_type_are_voided_and_then_nothing_is_left(api: Api) -> None:
    api.post("paths/", [path(action_msg="一"), path(action_msg="二"), path(action_type=300002)])
    body = {"waybill_id": "SF1", "action_time": MOMENT, "action_type": 200001, "reason": "误扫"}

    first, second = api.post("paths/void/", body), api.post("paths/void/", body)

    assert first.json() == {"voided": 2}
    assert (second.status_code, second.json()["code"]) == (404, "not_found")
    assert Path.objects.shown().count() == 1


VOID = {"waybill_id": "SF1", "action_time": MOMENT, "action_type": 200001, "reason": "误扫"}


@pytest.mark.parametrize(
    "other",
    [{"waybill_id": "SF2"}, {"action_time": MOMENT + 1}, {"action_type": 300002}],
    ids=lambda one: next(iter(one)),
)
def test_what_was_never_posted_is_not_there_to_void_and_no_act(api: Api, other: dict[str, Any]) -> None:
    api.post("waybills/", waybill(paths=[event()]))

    response = api.post("paths/void/", {**VOID, **other})

    assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert Path.objects.shown().count() == 1
    assert not Act.objects.exists()


def test_the_audit_keeps_who_voided_what_and_why_and_the_event_itself(api: Api) -> None:
    api.post("waybills/", waybill(paths=[event()]))

    api.post("paths/void/", VOID)

    act = Act.objects.get()
    assert (act.verb, act.waybill_no, act.actor.get_username()) == ("void", "SF1", "oms")
    assert (act.target, act.reason) == (f"200001 @ {MOMENT}", "误扫")
    path = Path.objects.get()
    assert path.voided_at is not None
    assert unseal_path(bytes(path.digest), bytes(path.sealed)).action_msg == "快件到达"


def test_a_voided_event_that_is_posted_again_stays_voided(api: Api) -> None:
    api.post("waybills/", waybill(paths=[event()]))
    api.post("paths/void/", VOID)

    again = api.post("paths/", path()).json()

    assert again["paths"] == {"created": 0, "duplicates": 1, "waiting": 0}
    assert api.get("waybills/SF1/").json()["paths"] == []
    assert Push.objects.get().state == "cancelled"


def test_what_waited_behind_a_voided_event_is_due(api: Api) -> None:
    api.post("waybills/", waybill(paths=[event(), event(action_time=MOMENT + 5, action_msg="快件离开")]))
    later = timezone.now() + timedelta(hours=1)
    Push.objects.filter(action_time=MOMENT).update(not_before=later)
    Lane.objects.update(wake_at=later)

    api.post("paths/void/", VOID)

    assert Lane.objects.get().wake_at == Push.objects.get(action_time=MOMENT + 5).not_before


def test_a_void_names_each_wrong_field(api: Api) -> None:
    response = api.post("paths/void/", {"action_time": 5, "action_type": 7, "reason": " "})

    answer = response.json()
    assert (response.status_code, answer["code"]) == (400, "invalid")
    assert {field: problem["code"] for field, problem in answer["fields"].items()} == {
        "waybill_id": "required",
        "action_time": "out_of_range",
        "action_type": "unknown_action_type",
        "reason": "required",
    }


def test_a_void_that_is_no_object_is_refused(api: Api) -> None:
    assert api.post("paths/void/", []).json()["code"] == "malformed"


def test_stored_data_that_does_not_open_is_an_error_and_never_an_empty_field(api: Api) -> None:
    api.post("waybills/", waybill(paths=[event()]))
    Waybill.objects.update(sealed=b"\x00" * 64)

    response = api.get("waybills/SF1/")

    assert (response.status_code, response.json()["code"]) == (500, "seal_broken")
    assert set(response.json()) == {"code", "detail"}
