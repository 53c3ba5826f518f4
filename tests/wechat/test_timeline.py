"""Each kind of record becomes one step, in words and a colour."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import translation

from tests.factories import make_attempt, make_callback, make_push, make_stub, make_waybill
from waybills.admin.labels import from_wire, show_trigger, show_wire_time
from wechat.timeline import Step, read_timeline

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _in_english() -> Any:
    with translation.override("en"):
        yield


def steps_of(push: Any, kind: str) -> list[Step]:
    [node] = read_timeline(push.waybill).nodes
    return [step for step in node.steps if step.kind == kind]


@pytest.mark.parametrize(
    ("call", "outcome", "fields", "detail", "tone"),
    [
        ("userquery", "ok", {"exist": 1}, "bound", "good"),
        ("userquery", "ok", {"exist": 0}, "not bound", "quiet"),
        ("pathnotify", "ok", {"exist": 1}, "accepted", "good"),
        ("pathnotify", "ok", {"exist": 0}, "accepted, but the phone is not bound", "quiet"),
        ("pathnotify", "refused", {"errcode": 40097}, "refused", "bad"),
        ("pathnotify", "failed", {}, "failed", "bad"),
        ("pathnotify", "unknown", {}, "answer lost", "doubt"),
        ("pathnotify", "open", {}, "under way", "busy"),
    ],
)
def test_a_call_says_how_it_ended(call: str, outcome: str, fields: dict[str, Any], detail: str, tone: str) -> None:
    push = make_push()
    make_attempt(push, call, outcome, **fields)

    [step] = steps_of(push, call)

    assert (str(step.detail), step.tone) == (detail, tone)


def test_a_call_tells_its_facts() -> None:
    push = make_push()
    make_attempt(push, outcome="refused", errcode=40097, errmsg="rid: 1", trigger="user:xiaoli")

    [step] = steps_of(push, "pathnotify")

    assert step.facts == ("pathnotify", "errcode 40097", "rid: 1", "250 ms", "xiaoli")


@pytest.mark.parametrize(
    ("fields", "detail", "tone"),
    [
        ({}, "answered with the whole trail", "good"),
        ({"result_code": 1001}, "answered: no such waybill", "bad"),
        ({"result_code": 1002}, "answered: the receiver's phone does not match", "bad"),
        ({"result_code": 1003}, "answered: the query is malformed", "bad"),
        ({"result_code": 4711}, "4711", "bad"),
        ({"outcome": "fault", "result_code": None}, "our fault: WeChat tries again", "bad"),
        ({"outcome": "relayed", "result_code": None}, "relayed", "good"),
    ],
)
def test_a_back_query_says_what_it_was_answered(fields: dict[str, Any], detail: str, tone: str) -> None:
    waybill = make_waybill()
    make_callback(waybill.no, **fields)

    [step] = read_timeline(waybill).others

    assert (str(step.detail), step.tone) == (detail, tone)


def test_a_back_query_tells_its_facts() -> None:
    waybill = make_waybill()
    make_callback(waybill.no, sender_differs=True)
    make_callback(waybill.no, outcome="fault", result_code=None, source=None)

    facts = {tuple(map(str, step.facts)) for step in read_timeline(waybill).others}

    assert facts == {
        ("ResultCode 0", "1.8 ms", "127.0.0.1", "the sender's phone differs (recorded only)"),
        ("1.8 ms",),
    }


@pytest.mark.parametrize(
    ("state", "tone"),
    [("sent", "good"), ("failed", "bad"), ("unknown", "doubt"), ("expired", "doubt"), ("unbound", "quiet")],
)
def test_a_settled_push_ends_with_its_result(state: str, tone: str) -> None:
    push = make_push(state=state, reason="refused")

    [step] = steps_of(push, "result")

    assert step.tone == tone
    assert str(step.detail) == "WeChat refused the data: correct them and resend."


def test_a_pending_push_has_no_result_yet() -> None:
    assert steps_of(make_push(), "result") == []


def test_a_reason_that_nobody_knows_is_shown_as_it_is() -> None:
    [step] = steps_of(make_push(state="failed", reason="from_tomorrow"), "result")

    assert step.detail == "from_tomorrow"


def test_a_stub_has_a_timeline_without_a_binding() -> None:
    timeline = read_timeline(make_stub())

    assert len(timeline.nodes) == 1
    assert timeline.binding is None


def test_a_wire_time_is_shown_in_china() -> None:
    assert show_wire_time(1597396101) == "2020-08-14 17:08:21"
    assert from_wire(1597396101) == datetime(2020, 8, 14, 9, 8, 21, tzinfo=UTC)


@pytest.mark.parametrize(("seconds", "shown"), [(None, ""), (10**18, "1000000000000000000")])
def test_a_time_that_no_calendar_knows_is_shown_as_its_number(seconds: int | None, shown: str) -> None:
    assert from_wire(seconds) is None
    assert show_wire_time(seconds) == shown


@pytest.mark.parametrize(("trigger", "shown"), [("event", "by itself"), ("user:xiaoli", "xiaoli"), ("csv", "csv")])
def test_a_trigger_is_shown_in_words(trigger: str, shown: str) -> None:
    assert show_trigger(trigger) == shown
