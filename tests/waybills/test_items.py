"""What one item must be, field by field."""

from typing import Any

import pytest

from waybills.action_types import ActionType
from waybills.documents import Contact, PathDocument
from waybills.ingest import PathItem, WaybillItem
from waybills.items import MOST_ERRORS, HopelessBatch, read_paths, read_waybills

WAYBILL: dict[str, Any] = {
    "waybill_id": "SF1",
    "create_time": 1_700_000_000,
    "receiver": {"name": "李四", "phone": "13800138000"},
}
EVENT: dict[str, Any] = {"action_time": 1_700_000_600, "action_type": 200001, "action_msg": "快件到达"}
PATH: dict[str, Any] = {"waybill_id": "SF1", **EVENT}


def unmapped(code: str) -> int:
    return ActionType.OTHER


def errors_of(batch: Any) -> list[tuple[Any, ...]]:
    return [(error.index, error.path_index, error.waybill_id, error.field, error.code) for error in batch.errors]


def test_a_whole_waybill_is_read_and_cleaned() -> None:
    sender = {
        "name": " 张三\r\n",
        "phone": "+86 138-0013-8001",
        "province": "浙江省",
        "city": "绍兴市",
        "area": "柯桥区",
        "street": "纺都路",
        "address": "137\x0b号",
        "id": "7",
    }
    receiver = {"name": "李四", "phone": "１３８００１３８０００", "id": None, "unheard_of": 1}

    batch = read_waybills([{**WAYBILL, "sender": sender, "receiver": receiver, "unheard_of": []}], unmapped)

    assert batch.waybills == [
        WaybillItem(
            "SF1",
            1_700_000_000,
            Contact("张三", "13800138001", "浙江省", "绍兴市", "柯桥区", "纺都路", "137 号", "7"),
            Contact("李四", "13800138000"),
        )
    ]
    assert batch.errors == []


def test_a_whole_path_is_read_and_cleaned() -> None:
    raw = {
        **PATH,
        "action_msg": "已签收\n谢谢",
        "pickup_courier_name": "李雷 ",
        "pickup_courier_phone": "138 0013 8002",
        "delivery_courier_name": "韩梅",
        "delivery_courier_phone": "0571-88886666",
    }

    batch = read_paths([raw], unmapped)

    document = PathDocument("已签收 谢谢", "李雷", "13800138002", "韩梅", "057188886666")
    assert batch.paths == [PathItem("SF1", 1_700_000_600, 200001, document)]


def test_integers_may_come_as_texts_of_digits() -> None:
    batch = read_paths([{**PATH, "action_time": "1700000600", "action_type": "300002"}], unmapped)

    assert (batch.paths[0].action_time, batch.paths[0].action_type) == (1_700_000_600, 300002)


@pytest.mark.parametrize("value", [1.0, 1e9, True, "1700000600.0", "-1", "１７００００００００", "9" * 5000, [], {}])
def test_what_is_no_integer_is_refused(value: Any) -> None:
    batch = read_paths([{**PATH, "action_time": value}], unmapped)

    assert errors_of(batch) == [(0, None, "SF1", "action_time", "type")]


@pytest.mark.parametrize("value", [946_684_799, 4_102_444_800, 1_700_000_000_000, -1, 0, 2**63])
def test_a_time_outside_this_century_is_refused(value: int) -> None:
    batch = read_waybills([{**WAYBILL, "create_time": value}], unmapped)

    assert errors_of(batch) == [(0, None, "SF1", "create_time", "out_of_range")]
    assert batch.waybills == []


@pytest.mark.parametrize("value", [946_684_800, 4_102_444_799])
def test_the_first_and_the_last_second_are_taken(value: int) -> None:
    assert read_waybills([{**WAYBILL, "create_time": value}], unmapped).waybills[0].create_time == value


@pytest.mark.parametrize(
    ("field", "longest"),
    [
        ("name", 64),
        ("phone", 32),
        ("province", 64),
        ("city", 64),
        ("area", 64),
        ("street", 64),
        ("address", 256),
        ("id", 64),
    ],
)
def test_a_contact_field_has_its_limit_in_characters(field: str, longest: int) -> None:
    character = "0" if field == "phone" else "好"
    fits = {**WAYBILL["receiver"], field: character * longest}
    too_long = {**WAYBILL["receiver"], field: character * (longest + 1)}

    batch = read_waybills([{**WAYBILL, "receiver": fits}, {**WAYBILL, "receiver": too_long}], unmapped)

    assert len(batch.waybills) == 1
    assert errors_of(batch) == [(1, None, "SF1", f"receiver.{field}", "too_long")]


@pytest.mark.parametrize(
    ("field", "longest", "character"),
    [
        ("waybill_id", 64, "9"),
        ("action_msg", 512, "签"),
        ("pickup_courier_name", 64, "李"),
        ("pickup_courier_phone", 32, "1"),
        ("delivery_courier_name", 64, "李"),
        ("delivery_courier_phone", 32, "1"),
    ],
)
def test_a_path_field_has_its_limit_in_characters(field: str, longest: int, character: str) -> None:
    batch = read_paths(
        [{**PATH, field: character * longest}, {**PATH, field: character * (longest + 1)}],
        unmapped,
    )

    assert len(batch.paths) == 1
    assert [(error.index, error.field, error.code) for error in batch.errors] == [(1, field, "too_long")]


@pytest.mark.parametrize("field", ["waybill_id", "action_time", "action_type", "action_msg"])
@pytest.mark.parametrize("value", [None, "", "absent"])
def test_a_required_field_of_a_path_is_asked_for(field: str, value: str | None) -> None:
    raw = {**PATH, field: value}
    if value == "absent":
        del raw[field]

    batch = read_paths([raw], unmapped)

    assert [(error.field, error.code) for error in batch.errors] == [(field, "required")]


def test_a_text_that_cleaning_empties_is_missing() -> None:
    batch = read_paths([{**PATH, "action_msg": " \r\n\x00 "}], unmapped)

    assert errors_of(batch) == [(0, None, "SF1", "action_msg", "required")]


def test_the_required_fields_of_a_waybill_are_asked_for_all_at_once() -> None:
    batch = read_waybills([{"paths": None}, {"waybill_id": "SF2", "create_time": 1, "receiver": []}], unmapped)

    assert errors_of(batch) == [
        (0, None, None, "waybill_id", "required"),
        (0, None, None, "create_time", "required"),
        (0, None, None, "receiver.name", "required"),
        (0, None, None, "receiver.phone", "required"),
        (1, None, "SF2", "create_time", "out_of_range"),
        (1, None, "SF2", "receiver", "type"),
    ]


@pytest.mark.parametrize("value", [5, True, [], {}, 1.5])
def test_what_is_no_text_is_refused(value: Any) -> None:
    batch = read_waybills([{**WAYBILL, "waybill_id": value, "sender": {"address": value}}], unmapped)

    assert errors_of(batch) == [
        (0, None, None, "waybill_id", "type"),
        (0, None, None, "sender.address", "type"),
    ]


def test_a_lone_surrogate_is_refused() -> None:
    batch = read_paths([{**PATH, "action_msg": "签收\ud83d"}], unmapped)

    assert errors_of(batch) == [(0, None, "SF1", "action_msg", "malformed")]


@pytest.mark.parametrize("entry", [None, 7, "SF1", [WAYBILL]])
def test_what_is_no_object_is_refused(entry: Any) -> None:
    waybills = read_waybills([entry, {**WAYBILL, "paths": [entry]}], unmapped)
    paths = read_paths([entry, PATH], unmapped)

    assert errors_of(waybills) == [(0, None, None, None, "malformed"), (1, 0, "SF1", None, "malformed")]
    assert errors_of(paths) == [(0, None, None, None, "malformed")]
    assert (len(waybills.waybills), len(paths.paths)) == (1, 1)


@pytest.mark.parametrize("value", [300001, 0, -1, 2**63])
def test_an_action_type_outside_the_table_is_refused(value: int) -> None:
    batch = read_paths([{**PATH, "action_type": value}], unmapped)

    assert errors_of(batch) == [(0, None, "SF1", "action_type", "unknown_action_type")]


@pytest.mark.parametrize("value", ActionType.values)
def test_every_action_type_of_the_table_is_taken(value: int) -> None:
    assert read_paths([{**PATH, "action_type": value}], unmapped).paths[0].action_type == value


def test_a_waybill_with_a_bad_path_is_kept_without_it() -> None:
    raw = {**WAYBILL, "paths": [EVENT, {**EVENT, "action_type": 1}, {**EVENT, "action_type": 300003}]}

    batch = read_waybills([raw], unmapped)

    assert len(batch.waybills) == 1
    assert [path.action_type for path in batch.paths] == [200001, 300003]
    assert {path.no for path in batch.paths} == {"SF1"}
    assert errors_of(batch) == [(0, 1, "SF1", "action_type", "unknown_action_type")]


def test_a_waybill_whose_paths_are_no_list_is_kept_without_them() -> None:
    batch = read_waybills([{**WAYBILL, "paths": EVENT}], unmapped)

    assert len(batch.waybills) == 1
    assert errors_of(batch) == [(0, None, "SF1", "paths", "type")]


def test_the_paths_of_a_bad_waybill_are_not_kept_but_their_errors_are_named() -> None:
    raw = {**WAYBILL, "create_time": None, "paths": [EVENT, {**EVENT, "action_msg": 1}]}

    batch = read_waybills([raw], unmapped)

    assert (batch.waybills, batch.paths) == ([], [])
    assert errors_of(batch) == [
        (0, None, "SF1", "create_time", "required"),
        (0, 1, "SF1", "action_msg", "type"),
    ]


@pytest.mark.parametrize(("code", "sent"), [("DEL", "DEL"), (" 签收 ", "签收"), (12, "12")])
def test_a_carriers_own_code_stands_in_for_the_action_type(code: Any, sent: str) -> None:
    raw = {**PATH, "action_type": None, "carrier_code": code}

    batch = read_paths([raw], {sent: 300003}.__getitem__)

    assert batch.paths[0].action_type == 300003


def test_an_action_type_goes_before_a_carriers_code() -> None:
    batch = read_paths([{**PATH, "carrier_code": "DEL"}], unmapped)

    assert batch.paths[0].action_type == 200001


@pytest.mark.parametrize(("code", "error"), [("x" * 65, "too_long"), (True, "type"), ([], "type"), (" \n", "required")])
def test_a_carriers_code_that_is_none_is_refused_unseen(code: Any, error: str) -> None:
    seen: list[str] = []

    batch = read_paths([{**PATH, "action_type": None, "carrier_code": code}], lambda text: seen.append(text) or 500001)

    assert errors_of(batch) == [(0, None, "SF1", "carrier_code", error)]
    assert seen == []


def test_a_batch_of_errors_without_end_is_given_up() -> None:
    with pytest.raises(HopelessBatch):
        read_waybills([{**WAYBILL, "paths": [0] * (MOST_ERRORS + 1)}], unmapped)
