"""Pushes: the list, and once more by hand."""

from datetime import UTC, datetime
from itertools import chain
from typing import Any

import pytest

from tests import factories
from tests.statements import counted_statements
from tests.waybills.api.conftest import MOMENT, Api, event, path, waybill
from waybills.models import Act, Push, PushState

pytestmark = pytest.mark.django_db

SETTLED = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)


def post_paths(api: Api, count: int, no: str = "SF1") -> list[int]:
    """Store a waybill with some events and return the ids of their pushes, oldest first."""
    api.post("waybills/", waybill(no, paths=[event(action_msg=f"{number}") for number in range(count)]))
    return list(Push.objects.filter(waybill__no=no).order_by("pk").values_list("pk", flat=True))


def settle(ids: list[int], state: str = "sent", at: datetime = SETTLED) -> None:
    factories.settle(Push.objects.filter(pk__in=ids), state, at=at)


def walk(api: Api, address: str, way: str = "next") -> list[list[int]]:
    """Return the ids of each page from an address on."""
    pages = []
    answer: dict[str, Any] = {way: f"http://testserver/api/v1/{address}"}
    while answer[way]:
        answer = api.get(answer[way].removeprefix("http://testserver/api/v1/")).json()
        pages.append([push["id"] for push in answer["results"]])
    return pages


def test_the_list_is_newest_first_in_pages_of_a_hundred(api: Api) -> None:
    ids = post_paths(api, 250)

    pages = walk(api, "pushes/")

    assert [len(page) for page in pages] == [100, 100, 50]
    assert list(chain.from_iterable(pages)) == ids[::-1]


def test_a_page_leads_back_as_well(api: Api) -> None:
    ids = post_paths(api, 250)
    first = api.get("pushes/").json()
    second = api.get(first["next"].removeprefix("http://testserver/api/v1/")).json()
    last = api.get(second["next"].removeprefix("http://testserver/api/v1/")).json()

    pages = walk(api, last["previous"].removeprefix("http://testserver/api/v1/"), "previous")

    assert first["previous"] is None
    assert last["next"] is None
    assert [page[0] for page in pages] == [ids[149], ids[249]]


def test_a_push_that_is_written_meanwhile_moves_no_page(api: Api) -> None:
    ids = post_paths(api, 150)
    first = api.get("pushes/").json()
    post_paths(api, 30, "SF2")

    second = api.get(first["next"].removeprefix("http://testserver/api/v1/")).json()

    assert [push["id"] for push in second["results"]] == ids[:50][::-1]


def test_an_empty_list_is_a_page(api: Api) -> None:
    assert api.get("pushes/").json() == {"next": None, "previous": None, "results": []}


def test_a_page_whose_rows_have_gone_meanwhile_is_empty(api: Api) -> None:
    ids = post_paths(api, 150)
    settle(ids, "failed")
    following = api.get("pushes/?state=failed").json()["next"].removeprefix("http://testserver/api/v1/")
    settle(ids, "sent")

    assert api.get(following).json() == {"next": None, "previous": None, "results": []}


def test_the_list_is_filtered_by_waybill_and_state(api: Api) -> None:
    ids = post_paths(api, 3) + post_paths(api, 2, "SF2")
    settle(ids[1:4], "failed")

    assert walk(api, "pushes/?waybill_id=SF1") == [[ids[2], ids[1], ids[0]]]
    assert walk(api, "pushes/?state=failed") == [[ids[3], ids[2], ids[1]]]
    assert walk(api, "pushes/?waybill_id=SF2&state=pending") == [[ids[4]]]
    assert walk(api, "pushes/?waybill_id=SF3") == [[]]
    assert walk(api, "pushes/?waybill_id=%00") == [[]]


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("state=lost", {"state": "out_of_range"}),
        ("settled_since=yesterday", {"settled_since": "type"}),
        ("settled_since=1795000000000", {"settled_since": "out_of_range"}),
        ("settled_since=99999999999999999999", {"settled_since": "out_of_range"}),
        ("settled_since=4102444800&state=x", {"state": "out_of_range", "settled_since": "out_of_range"}),
        ("waybill_id=" + "x" * 65, {"waybill_id": "too_long"}),
    ],
)
def test_a_wrong_filter_is_named(api: Api, query: str, fields: dict[str, str]) -> None:
    response = api.get(f"pushes/?{query}")

    assert response.status_code == 400
    assert {name: problem["code"] for name, problem in response.json()["fields"].items()} == fields


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "%00",
        "é",
        "W10",
        "bnVsbA",
        "WzBd",
        "WzAsMSwyLDNd",
        "WzAsIngiXQ",
        "WzAsMS41XQ",
        "WzAsLTFd",
        "WzAsOTk5OTk5OTk5OTk5OTk5OTk5OV0",
        "x" * 5000,
    ],
)
def test_a_cursor_that_is_none_is_refused(api: Api, cursor: str) -> None:
    response = api.get(f"pushes/?cursor={cursor}")

    assert (response.status_code, response.json()["code"]) == (400, "bad_cursor")


def test_a_page_takes_the_same_number_of_statements_whatever_its_length(api: Api) -> None:
    post_paths(api, 1)
    with counted_statements() as for_one:
        api.get("pushes/")
    post_paths(api, 50, "SF2")
    with counted_statements() as for_many:
        api.get("pushes/")

    assert len(for_one) == len(for_many) == 4


@pytest.mark.parametrize(
    ("state", "action_type", "notified"),
    [
        ("sent", 300002, True),
        ("sent", 300003, True),
        ("sent", 200001, False),
        ("unknown", 300003, None),
        ("unbound", 300003, False),
        ("failed", 300003, False),
    ],
)
def test_notified_says_whether_a_message_reached_the_user(
    api: Api, state: str, action_type: int, notified: bool | None
) -> None:
    api.post("waybills/", waybill(paths=[event(action_type=action_type)]))
    settle([Push.objects.get().pk], state)

    (push,) = api.get("pushes/").json()["results"]

    assert push["notified"] is notified
    assert push["settled_at"] == int(SETTLED.timestamp())
    assert push["not_before"] is None


def test_a_push_that_failed_goes_again_and_the_act_is_on_record(api: Api) -> None:
    (push_id,) = post_paths(api, 1)
    settle([push_id], "failed")

    response = api.post(f"pushes/{push_id}/retry/", {"reason": "客户来电"})

    assert response.status_code == 202
    assert (response.json()["id"], response.json()["state"]) == (push_id, "pending")
    act = Act.objects.get()
    assert (act.verb, act.waybill_no, act.actor.get_username(), act.reason) == ("resend", "SF1", "oms", "客户来电")


@pytest.mark.parametrize("state", [state for state in PushState if state not in {"pending", "sent"}])
def test_a_push_of_every_state_that_ended_unsent_goes_again(api: Api, state: str) -> None:
    (push_id,) = post_paths(api, 1)
    settle([push_id], state)

    assert api.post(f"pushes/{push_id}/retry/").status_code == 202


def test_a_pending_push_and_a_sent_one_do_not_go_again(api: Api) -> None:
    (push_id,) = post_paths(api, 1)

    pending = api.post(f"pushes/{push_id}/retry/")
    settle([push_id], "sent")
    sent = api.post(f"pushes/{push_id}/retry/")

    assert (pending.status_code, pending.json()["code"]) == (409, "pending")
    assert (sent.status_code, sent.json()["code"]) == (409, "sent")
    assert not Act.objects.exists()


def test_a_push_that_cannot_go_says_why(api: Api) -> None:
    api.post("paths/", path())
    push_id = Push.objects.get().pk
    settle([push_id], "expired")

    before_its_waybill = api.post(f"pushes/{push_id}/retry/")
    api.post("waybills/", waybill())
    api.post(
        "paths/void/",
        {"waybill_id": "SF1", "action_time": MOMENT, "action_type": 200001, "reason": "误扫"},
    )
    voided = api.post(f"pushes/{push_id}/retry/")

    assert before_its_waybill.json()["code"] == "waiting_for_waybill"
    assert (voided.status_code, voided.json()["code"]) == (409, "path_voided")


@pytest.mark.parametrize("push_id", [0, 7, 2**63, 10**30])
def test_an_unknown_push_is_not_found(api: Api, push_id: int) -> None:
    assert api.post(f"pushes/{push_id}/retry/").status_code == 404


@pytest.mark.parametrize("body", [{"reason": 5}, {"reason": "x" * 513}])
def test_a_reason_that_is_none_is_refused(api: Api, body: Any) -> None:
    (push_id,) = post_paths(api, 1)
    settle([push_id], "failed")

    response = api.post(f"pushes/{push_id}/retry/", body)

    assert (response.status_code, list(response.json()["fields"])) == (400, ["reason"])
    assert Push.objects.get().state == "failed"
