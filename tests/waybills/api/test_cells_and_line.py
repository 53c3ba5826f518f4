"""The landing page's cells, and the line."""

from typing import Any

import pytest

from tests.waybills.api.conftest import Api, event, waybill
from waybills.models import Act, Cell, Line

pytestmark = pytest.mark.django_db

PAY = {"Key": "pay", "Name": "支付运单", "Link": "https://example.com/pay?no={waybill_id}"}
COMPLAIN = {"Key": "complain", "Name": "投诉", "Link": "http://example.com/c"}


def test_the_set_is_replaced_as_a_whole_and_keeps_its_order(api: Api) -> None:
    empty = api.get("cells/").json()
    api.put("cells/", [PAY, COMPLAIN])

    put = api.put("cells/", [COMPLAIN, {**PAY, "Name": " 支付 "}])

    assert empty == []
    assert put.status_code == 200
    assert put.json() == api.get("cells/").json() == [COMPLAIN, {**PAY, "Name": "支付"}]
    assert list(Act.objects.values_list("verb", flat=True)) == ["edit_cells", "edit_cells"]


@pytest.mark.parametrize(
    ("cells", "fields"),
    [
        ([{}], {"0.Key": "required", "0.Name": "required", "0.Link": "required"}),
        ([COMPLAIN, {**PAY, "Key": 5}], {"1.Key": "type"}),
        ([{**PAY, "Key": "x" * 21}], {"0.Key": "too_long"}),
        ([{**PAY, "Name": "x" * 65}], {"0.Name": "too_long"}),
        ([{**PAY, "Link": "https://example.com/" + "x" * 1024}], {"0.Link": "too_long"}),
        ([{**PAY, "Link": "javascript:alert(1)"}], {"0.Link": "malformed"}),
        ([{**PAY, "Link": "https://example.com/{waybil_id}"}], {"0.Link": "unknown_placeholder"}),
        ([{**PAY, "Link": "https://example.com/{{waybill_id}}"}], {"0.Link": "unknown_placeholder"}),
        ([PAY, COMPLAIN, PAY], {"2.Key": "repeated"}),
    ],
)
def test_a_set_with_a_wrong_cell_is_refused_and_nothing_changes(
    api: Api, cells: list[Any], fields: dict[str, str]
) -> None:
    api.put("cells/", [PAY])

    response = api.put("cells/", cells)

    assert (response.status_code, response.json()["code"]) == (400, "invalid")
    assert {name: problem["code"] for name, problem in response.json()["fields"].items()} == fields
    assert Cell.objects.get().key == "pay"


@pytest.mark.parametrize(
    ("body", "code"), [(None, "malformed"), (PAY, "malformed"), ([1], "malformed"), ([PAY] * 101, "too_many")]
)
def test_what_is_no_set_of_cells_is_refused(api: Api, body: Any, code: str) -> None:
    response = api.put("cells/", body)

    assert (response.status_code, response.json()["code"]) == (400, code)


def test_the_line_is_stopped_and_resumed_on_record(api: Api) -> None:
    api.post("waybills/", waybill(paths=[event()]))

    running = api.get("line/").json()
    stopped = api.post("line/stop/", {"reason": "微信侧维护"})
    seen, since = api.get("line/").json(), Line.objects.get().since
    resumed = api.post("line/resume/")

    assert (running["state"], running["waiting"]) == ("running", 1)
    assert stopped.status_code == resumed.status_code == 200
    assert seen == stopped.json()
    assert seen == {
        "state": "stopped",
        "code": None,
        "reason": "微信侧维护",
        "remedy": "",
        "since": int(since.timestamp()),
        "waiting": 1,
    }
    assert resumed.json()["state"] == "running"
    assert list(Act.objects.order_by("pk").values_list("verb", "reason")) == [
        ("stop_line", "微信侧维护"),
        ("resume_line", ""),
    ]


@pytest.mark.parametrize("body", [None, {}, {"reason": ""}, {"reason": " \n"}, {"reason": 5}, {"reason": "x" * 513}])
def test_the_line_is_not_stopped_without_a_reason(api: Api, body: Any) -> None:
    response = api.post("line/stop/", body)

    assert (response.status_code, list(response.json()["fields"])) == (400, ["reason"])
    assert api.get("line/").json()["state"] == "running"
