"""Waybills and paths in, in bulk."""

import uuid
from typing import Any

import pytest

from tests.statements import counted_statements
from tests.waybills.api.conftest import MOMENT, Api, event, path, waybill
from waybills.models import CarrierCode, Path, Push, Waybill
from waybills.trail import read_trail

pytestmark = pytest.mark.django_db


LATER = event(action_time=MOMENT + 300, action_type=300002)


def counts(answer: Any) -> tuple[dict[str, int], dict[str, int]]:
    return answer["waybills"], answer["paths"]


def test_one_waybill_is_stored_with_its_paths(api: Api) -> None:
    response = api.post("waybills/", waybill(paths=[event(), LATER]))

    assert response.status_code == 200
    assert response.json() == {
        "waybills": {"created": 1, "updated": 0, "unchanged": 0},
        "paths": {"created": 2, "duplicates": 0, "waiting": 0},
        "errors": [],
    }
    trail = read_trail("SF1")
    assert trail is not None
    assert [node.action_type for node in trail.nodes()] == [300002, 200001]
    assert Push.objects.count() == 2


def test_a_list_is_stored_like_one_and_the_same_again_changes_nothing(api: Api) -> None:
    batch = [waybill("SF1"), waybill("SF2"), waybill("SF3")]

    first = api.post("waybills/", batch).json()
    batch[1]["create_time"] += 1
    second = api.post("waybills/", batch).json()

    assert first["waybills"] == {"created": 3, "updated": 0, "unchanged": 0}
    assert second["waybills"] == {"created": 0, "updated": 1, "unchanged": 2}


def test_paths_before_their_waybill_wait_for_it(api: Api) -> None:
    before = api.post("paths/", [path("SF1"), {"waybill_id": "SF1", **LATER}]).json()
    unknown = api.get("waybills/SF1/")
    api.post("waybills/", waybill("SF1"))
    after = api.get("waybills/SF1/").json()

    assert before["paths"] == {"created": 0, "duplicates": 0, "waiting": 2}
    assert unknown.status_code == 404
    assert [node["action_type"] for node in after["paths"]] == [300002, 200001]


def test_the_same_event_twice_is_stored_once_however_it_is_written(api: Api) -> None:
    api.post("waybills/", waybill())

    api.post("paths/", path(action_msg="已签收 谢谢"))
    answer = api.post("paths/", [path(action_msg=" 已签收\r\n谢谢"), path(action_msg="已签收\n谢谢")]).json()

    assert answer["paths"] == {"created": 0, "duplicates": 2, "waiting": 0}
    assert Path.objects.count() == 1


def test_good_items_are_kept_and_bad_ones_named(api: Api) -> None:
    batch = [
        waybill("SF1", paths=[event(), event(action_type=300001)]),
        waybill("SF2", receiver={"name": "李四"}),
        waybill("SF3"),
    ]

    response = api.post("waybills/", batch)

    answer = response.json()
    assert response.status_code == 200
    assert counts(answer) == (
        {"created": 2, "updated": 0, "unchanged": 0},
        {"created": 1, "duplicates": 0, "waiting": 0},
    )
    assert [{**error, "detail": None} for error in answer["errors"]] == [
        {
            "index": 0,
            "path_index": 1,
            "waybill_id": "SF1",
            "field": "action_type",
            "code": "unknown_action_type",
            "detail": None,
        },
        {
            "index": 1,
            "path_index": None,
            "waybill_id": "SF2",
            "field": "receiver.phone",
            "code": "required",
            "detail": None,
        },
    ]
    assert sorted(Waybill.objects.values_list("no", flat=True)) == ["SF1", "SF3"]


def test_a_bad_item_alone_is_named_as_well(api: Api) -> None:
    response = api.post("paths/", path(action_time=MOMENT * 1000))

    assert response.status_code == 200
    assert [(error["field"], error["code"]) for error in response.json()["errors"]] == [("action_time", "out_of_range")]
    assert not Path.objects.exists()


@pytest.mark.parametrize("address", ["waybills/", "paths/"])
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (None, "empty"),
        ({}, "empty"),
        ([], "empty"),
        ([{}] * 1001, "too_many"),
        ([1, "two", None], "malformed"),
        ([[[[[]]]]], "malformed"),
        ("SF1", "malformed"),
        (17, "malformed"),
    ],
)
def test_a_body_in_which_nothing_can_be_read_is_refused(api: Api, address: str, body: Any, code: str) -> None:
    response = api.post(address, body)

    assert response.status_code == 400
    assert response.json()["code"] == code


def test_a_body_with_errors_without_end_is_refused_and_nothing_stored(api: Api) -> None:
    response = api.post("waybills/", [waybill("SF1"), waybill("SF2", paths=[0] * 10_001)])

    assert (response.status_code, response.json()["code"]) == (400, "too_many_errors")
    assert not Waybill.objects.exists()


def test_a_carriers_codes_are_translated_and_the_unmapped_ones_counted(api: Api) -> None:
    CarrierCode.objects.create(code="签收", action_type=300003)
    codes = ["签收", "X1", "X2"]

    api.post("paths/", [path(action_msg=code, action_type=None, carrier_code=code) for code in codes])
    api.post("waybills/", waybill(paths=[event(action_type=None, carrier_code="X1")]))

    assert sorted(Path.objects.values_list("action_type", flat=True)) == [300003, 500001, 500001, 500001]
    rows = {row.code: row for row in CarrierCode.objects.all()}
    assert {code: row.seen for code, row in rows.items()} == {"签收": 0, "X1": 2, "X2": 1}
    assert rows["X1"].first_seen_at is not None
    assert rows["X1"].last_seen_at is not None
    assert rows["X1"].first_seen_at < rows["X1"].last_seen_at


def test_a_code_that_staff_listed_before_it_came_gets_its_first_sight(api: Api) -> None:
    CarrierCode.objects.create(code="X1")

    api.post("paths/", path(action_type=None, carrier_code="X1"))

    row = CarrierCode.objects.get()
    assert (row.seen, row.action_type) == (1, None)
    assert row.first_seen_at == row.last_seen_at is not None


def a_batch_of(size: int) -> list[dict[str, Any]]:
    run = uuid.uuid4().hex
    return [
        waybill(f"{run}-{number}", paths=[event(), event(action_type=None, carrier_code=f"{run}-{number % 50}")])
        for number in range(size)
    ]


def test_a_batch_takes_the_same_number_of_statements_whatever_its_size(api: Api) -> None:
    api.get("cells/")  # notes the token's use, once a minute

    with counted_statements() as for_one:
        api.post("waybills/", a_batch_of(1))
    with counted_statements() as for_many:
        answer = api.post("waybills/", a_batch_of(500)).json()

    assert counts(answer)[1]["created"] == 1000
    assert len(for_one) == len(for_many) > 5


def test_paths_alone_take_the_same_number_of_statements_whatever_their_number(api: Api) -> None:
    api.get("cells/")  # notes the token's use, once a minute

    with counted_statements() as for_one:
        api.post("paths/", [path("SF0")])
    with counted_statements() as for_many:
        answer = api.post("paths/", [path(f"SF{number}") for number in range(1, 500)]).json()

    assert counts(answer)[1]["waiting"] == 499
    assert len(for_one) == len(for_many) > 5
