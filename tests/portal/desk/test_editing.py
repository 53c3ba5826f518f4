"""Cells, carrier codes and the line: what staff change, and the act that stays of it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.factories import make_user
from waybills.carrier_codes import CarrierCodes
from waybills.documents import PathDocument
from waybills.ingest import PathItem, ingest
from waybills.models import Act, CarrierCode, Cell, Path
from waybills.services import line_status, stop_line

LINE = "admin:waybills_line_changelist"


def make_cell(key: str, position: int = 0) -> Cell:
    return Cell.objects.create(key=key, name=f"名称{key}", link="https://example.com/", position=position)


def cell_fields(**fields: str) -> dict[str, str]:
    return {"key": "pay", "name": "支付运单", "link": "https://example.com/{waybill_id}", "position": "0"} | fields


def test_adding_a_cell_is_recorded(desk: Client) -> None:
    desk.post(reverse("admin:waybills_cell_add"), cell_fields())

    assert Cell.objects.get().key == "pay"
    act = Act.objects.get()
    assert (act.verb, act.target, act.actor.username) == (Act.Verb.EDIT_CELLS, "pay 支付运单", "root")


@pytest.mark.parametrize(
    "fields",
    [
        {"link": "javascript:alert(1)"},
        {"link": "example.com"},
        {"link": ""},
        {"link": "https://example.com/{waybil_id}"},
        {"key": "k" * 21},
        {"key": ""},
        {"name": ""},
    ],
    ids=str,
)
def test_a_cell_that_cannot_be_published_is_refused(desk: Client, fields: dict[str, str]) -> None:
    answer = desk.post(reverse("admin:waybills_cell_add"), cell_fields(**fields))

    assert set(answer.context_data["adminform"].form.errors) == set(fields)
    assert not Cell.objects.exists()
    assert not Act.objects.exists()


def test_the_form_says_what_is_filled_in(desk: Client) -> None:
    assert "{waybill_id}" in desk.get(reverse("admin:waybills_cell_add")).content.decode()


def test_dragging_cells_into_another_order_is_recorded(desk: Client) -> None:
    first, second = make_cell("a", 0), make_cell("b", 1)
    rows = {"form-0-id": first.pk, "form-0-position": 1, "form-1-id": second.pk, "form-1-position": 0}

    desk.post(
        reverse("admin:waybills_cell_changelist"),
        {"form-TOTAL_FORMS": 2, "form-INITIAL_FORMS": 2, "_save": "1", **rows},
    )

    assert list(Cell.objects.values_list("key", flat=True)) == ["b", "a"]
    assert Act.objects.filter(verb=Act.Verb.EDIT_CELLS).count() == 2


def test_deleting_a_cell_is_recorded(desk: Client) -> None:
    cell = make_cell("a")

    desk.post(reverse("admin:waybills_cell_delete", args=[cell.pk]), {"post": "yes"})

    assert not Cell.objects.exists()
    assert Act.objects.get().target == "a 名称a"


def test_mapping_a_code_is_recorded(desk: Client) -> None:
    code = CarrierCode.objects.create(code="SIGN-01", seen=3, first_seen_at=timezone.now())
    rows = {"form-0-id": code.pk, "form-0-action_type": 300003}

    desk.post(
        reverse("admin:waybills_carriercode_changelist"),
        {"form-TOTAL_FORMS": 1, "form-INITIAL_FORMS": 1, "_save": "1", **rows},
    )

    code.refresh_from_db()
    assert (code.action_type, code.seen) == (300003, 3)
    assert Act.objects.get().target == "SIGN-01 → 300003"


def test_a_code_may_be_mapped_before_it_is_ever_sent(desk: Client) -> None:
    desk.post(reverse("admin:waybills_carriercode_add"), {"code": "NEW", "action_type": "200001"})

    assert CarrierCode.objects.get().action_type == 200001


def test_a_known_code_keeps_its_name(desk: Client) -> None:
    code = CarrierCode.objects.create(code="OLD")

    desk.post(reverse("admin:waybills_carriercode_change", args=[code.pk]), {"code": "OTHER", "action_type": "200001"})

    code.refresh_from_db()
    assert (code.code, code.action_type) == ("OLD", 200001)


def test_what_is_not_mapped_comes_first(desk: Client) -> None:
    CarrierCode.objects.create(code="A", action_type=200001)
    CarrierCode.objects.create(code="B")
    CarrierCode.objects.create(code="C", seen=7)

    rows = desk.get(reverse("admin:waybills_carriercode_changelist")).context_data["cl"].result_list

    assert [row.code for row in rows] == ["C", "B", "A"]


def send_event(no: str, code: str) -> int:
    """Store an event with a carrier's code, and return the type that it got."""
    codes = CarrierCodes()
    item = PathItem(no, int(timezone.now().timestamp()), codes.translate(code), PathDocument("派件中"))
    ingest([], [item])
    codes.record_unmapped()
    return item.action_type


def test_a_code_is_listed_with_how_often_and_since_when_and_mapped_there_for_what_comes_next(desk: Client) -> None:
    address = f"{reverse('admin:waybills_carriercode_changelist')}?mapped=no"
    before = [send_event("SF1", "派件"), send_event("SF2", "派件")]

    (row,) = desk.get(address).context_data["cl"].result_list
    rows = {"form-0-id": row.pk, "form-0-action_type": 300002}
    desk.post(address, {"form-TOTAL_FORMS": 1, "form-INITIAL_FORMS": 1, "_save": "1", **rows})

    assert (before, row.code, row.seen) == ([500001, 500001], "派件", 2)
    assert row.first_seen_at < row.last_seen_at
    assert list(desk.get(address).context_data["cl"].result_list) == []
    assert send_event("SF3", "派件") == 300002
    assert sorted(Path.objects.values_list("action_type", flat=True)) == [300002, 500001, 500001]
    assert CarrierCode.objects.get().seen == 2


def test_the_line_is_stopped_with_a_reason_and_resumed(desk: Client) -> None:
    desk.post(reverse("admin:waybills_line_stop"), {"reason": "机房检修"})
    stopped = line_status()
    page = desk.get(reverse(LINE)).content.decode()
    desk.post(reverse("admin:waybills_line_resume"))

    assert (stopped.state, stopped.reason) == ("stopped", "机房检修")
    assert "机房检修" in page
    assert line_status().state == "running"
    assert list(Act.objects.order_by("pk").values_list("verb", flat=True)) == ["stop_line", "resume_line"]


@pytest.mark.parametrize("reason", ["", "   ", "x" * 201])
def test_the_line_is_not_stopped_without_a_reason(desk: Client, reason: str) -> None:
    answer = desk.post(reverse("admin:waybills_line_stop"), {"reason": reason})

    assert answer.status_code == 200
    assert "请填写原因" in answer.content.decode()
    assert line_status().state == "running"


@pytest.mark.parametrize("way", ["stop", "resume"])
def test_without_the_permission_the_line_is_only_seen(desk_of: Callable[..., Client], superuser: Any, way: str) -> None:
    if way == "resume":
        stop_line(actor=superuser, reason="检修")
    before = line_status().state
    client = desk_of()

    assert client.post(reverse(f"admin:waybills_line_{way}"), {"reason": "x"}).status_code == 403
    assert reverse(f"admin:waybills_line_{way}") not in client.get(reverse(LINE)).content.decode()
    assert line_status().state == before


def test_with_the_permission_the_line_is_operated(desk_of: Callable[..., Client]) -> None:
    desk_of("waybills.operate_line").post(reverse("admin:waybills_line_stop"), {"reason": "检修"})

    assert line_status().state == "stopped"


@pytest.mark.parametrize("way", ["stop", "resume"])
def test_following_a_link_does_not_move_the_line(desk: Client, way: str) -> None:
    assert desk.get(reverse(f"admin:waybills_line_{way}")).status_code == 405


def test_the_line_has_one_page(desk: Client, client: Client, db: None) -> None:
    assert desk.get(reverse("admin:waybills_line_change", args=[1]))["Location"] == reverse(LINE)


def test_the_line_is_not_shown_to_whoever_may_not_view_it(client: Client, db: None) -> None:
    client.force_login(make_user())

    assert client.get(reverse(LINE)).status_code == 403
