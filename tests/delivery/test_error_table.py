"""Each answer of WeChat's × each fault of the network × kinds of events × with and without a back-query.

The first try of each push meets the row's answer, through the fault; later tries find all well again.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import product
from random import Random
from typing import Any

import pytest
from aiohttp import web
from django.db.models import F
from django.utils import timezone

from tests.delivery.error_table import ROWS, Reading, Row
from tests.delivery.fault_proxy import FAULTS, Fault, fault_proxy
from tests.wechat.farside import FarSide, far_side
from waybills.documents import Contact, PathDocument
from waybills.ingest import PathItem, WaybillItem, ingest
from waybills.models import Binding, Call, Lane, Line, Outcome, Push, PushAttempt
from waybills.sealing import blind_index
from wechat import tokens
from wechat.models import Callback
from wechat.sender import Sender
from wechat.transports import AsyncTransport, Timeouts

TYPES = (200001, 300002, 300003)
MESSAGES = {300002, 300003}
RETRY_FIRST = timedelta(seconds=60)
SHORT = Timeouts(5, 2)


@dataclass(frozen=True)
class Case:
    """One waybill with one push."""

    number: int
    row: Row
    action_type: int
    has_back_query: bool

    @property
    def no(self) -> str:
        return f"SF{self.number:04d}"

    @property
    def phone(self) -> str:
        return f"138{self.number:08d}"


CASES = tuple(Case(number, *values) for number, values in enumerate(product(ROWS, TYPES, (False, True))))


@dataclass
class TableSide(FarSide):
    """Answers the call under test with each case's row, and everything else well; keeps a ledger of what it did."""

    tested: Call = Call.PATHNOTIFY
    is_well: bool = False
    done: Counter[str] = field(default_factory=Counter)
    """How often it acted on a waybill's pathnotify."""
    got: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(call, waybill or phone) → how many came."""

    async def handle(self, request: web.Request) -> Any:
        call = request.path.rsplit("/", 1)[1]
        body = json.loads(await request.read())
        if call == "stable_token":
            self.got[call, ""] += 1
            return web.json_response({"access_token": "token-1", "expires_in": 7200})
        subject = body["waybill_id"] if call == "pathnotify" else body["phone"]
        self.got[call, subject] += 1
        row = ROWS[0] if self.is_well or call != self.tested.value else CASES[int(subject[2:]) % 10_000].row
        if call == "pathnotify" and row.acts:
            self.done[subject] += 1
        return row.answer(request)


@pytest.fixture
def side(transactional_db: None, change: Any) -> Iterator[TableSide]:
    with far_side(TableSide()) as running:
        assert isinstance(running, TableSide)
        change("WECHAT", api_base=running.base, appid="wx1", secret="s3cret")
        change("PUSH", retry_first=RETRY_FIRST)
        yield running


def post_cases(cases: Sequence[Case], call: Call) -> None:
    """Post each case's waybill; its phone is known where the call under test is pathnotify."""
    now = int(timezone.now().timestamp())
    waybills = [WaybillItem(case.no, now - 600, Contact(), Contact(name="李四", phone=case.phone)) for case in cases]
    paths = [PathItem(case.no, now - 60, case.action_type, PathDocument("派件中")) for case in cases]
    ingest(waybills, paths)
    if call == Call.PATHNOTIFY:
        moment = timezone.now()
        Binding.objects.bulk_create(
            Binding(phone_index=blind_index(case.phone), exist=True, checked_at=moment) for case in cases
        )


def send(base: str, timeouts: Timeouts) -> None:
    async def drain() -> None:
        async with AsyncTransport(base, connections=2 * len(CASES), timeouts=timeouts) as transport:
            await Sender(transport, rng=Random(1), concurrency=2 * len(CASES)).drain()

    asyncio.run(drain())


def pushes() -> dict[str, Push]:
    return {push.waybill.no: push for push in Push.objects.select_related("waybill")}


def back_queries(cases: Sequence[Case], tested: Call) -> None:
    """Let WeChat ask back for the cases that say so, during the first pathnotify (or, without one, just now)."""
    asked = {attempt.push.waybill_id: attempt.started_at for attempt in _attempts(Call.PATHNOTIFY)}
    found = pushes()
    Callback.objects.bulk_create(
        Callback(
            received_at=asked.get(found[case.no].waybill_id, timezone.now()),
            duration_us=1,
            event="waybill_notify_query",
            waybill_no=case.no,
            outcome="answered",
            result_code=0,
        )
        for case in cases
        if case.has_back_query
    )


def _attempts(call: Call) -> Any:
    return PushAttempt.objects.filter(call=call).select_related("push")


def let_pass(seconds: int) -> None:
    """Make all that has happened so many seconds older, and what is pending due."""
    age = timedelta(seconds=seconds)
    PushAttempt.objects.update(started_at=F("started_at") - age, ended_at=F("ended_at") - age)
    Callback.objects.update(received_at=F("received_at") - age)
    Push.objects.filter(in_doubt_since__isnull=False).update(in_doubt_since=F("in_doubt_since") - age)
    moment = timezone.now()
    Push.objects.pending().update(not_before=moment)
    Lane.objects.filter(leased=False, wake_at__isnull=False).update(wake_at=moment)
    Line.objects.all().delete()


def expected_reading(case: Case, call: Call, fault: Fault) -> Reading:
    """Return how the first try reads: the row's answer arrives, or the fault stands in its place."""
    if fault.refuses:
        return Reading.RETRY
    if fault.request_bytes is not None or fault.answer_bytes is not None or fault.is_silent:
        return Reading.RETRY if call == Call.USERQUERY else Reading.IN_DOUBT
    return case.row.reading(call)


STATES = {
    Reading.SENT: ("sent", "", 0, 0),
    Reading.UNBOUND: ("unbound", "answered_unbound", 0, 0),
    Reading.RETRY: ("pending", "retrying", 1, 0),
    Reading.IN_DOUBT: ("pending", "in_doubt", 1, 0),
    Reading.TOKEN: ("pending", "retrying", 1, 0),
    Reading.STOP: ("pending", "line_stopped", 0, 0),
    Reading.FINAL: ("failed", "refused", 1, 1),
    Reading.THREE_TRIES: ("pending", "retrying", 1, 1),
}
OUTCOMES = {
    Reading.SENT: Outcome.OK,
    Reading.UNBOUND: Outcome.OK,
    Reading.IN_DOUBT: Outcome.UNKNOWN,
    Reading.FINAL: Outcome.REFUSED,
    Reading.THREE_TRIES: Outcome.REFUSED,
}


def next_try(reading: Reading) -> tuple[timedelta, timedelta]:
    """Return between which waits, counted from the try's end, a pending push is tried again."""
    if reading is Reading.IN_DOUBT:
        return timedelta(seconds=20), timedelta(seconds=20)
    if reading is Reading.STOP:
        return timedelta(), timedelta()
    return RETRY_FIRST * 0.75, RETRY_FIRST


def check_first_try(case: Case, push: Push, attempts: list[PushAttempt], reading: Reading) -> None:
    assert (push.state, push.reason, push.tries, push.refusals) == STATES[reading]
    assert len(attempts) == (2 if reading is Reading.TOKEN else 1)
    assert {attempt.outcome for attempt in attempts} == {OUTCOMES.get(reading, Outcome.FAILED)}
    assert push.in_doubt_since == (attempts[-1].started_at if reading is Reading.IN_DOUBT else None)
    if push.state == "pending":
        check_next_try(push, attempts[-1].ended_at, reading)


def check_next_try(push: Push, ended_at: datetime | None, reading: Reading) -> None:
    assert push.not_before is not None
    assert ended_at is not None
    least, most = next_try(reading)
    assert least <= push.not_before - ended_at <= most


def expected_end(case: Case, call: Call, reading: Reading) -> str:
    if reading is Reading.FINAL:
        return "failed"
    if reading is Reading.UNBOUND:
        return "unbound"
    if reading is Reading.IN_DOUBT and case.has_back_query and case.action_type in MESSAGES:
        return "unknown"
    return "sent"


def reads_as(case: Case, reading: Reading) -> bool:
    return any(case.row.reading(call) is reading for call in Call)


# Apart: beside an answer that stops the line, what others would begin next is held back.
GROUPS = {
    "that refuse the token": [case for case in CASES if reads_as(case, Reading.TOKEN)],
    "that stop the line": [case for case in CASES if reads_as(case, Reading.STOP)],
    "of a running line": [
        case for case in CASES if not (reads_as(case, Reading.TOKEN) or reads_as(case, Reading.STOP))
    ],
}


@pytest.mark.parametrize("cases", GROUPS.values(), ids=GROUPS)
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("call", [Call.USERQUERY, Call.PATHNOTIFY], ids=str)
def test_each_answer_through_each_fault_ends_as_the_table_says(
    side: TableSide, call: Call, fault: Fault, cases: Sequence[Case]
) -> None:
    side.tested = call
    post_cases(cases, call)
    tokens.obtain()

    with fault_proxy(side.base, fault) as base:
        send(base, SHORT if fault.is_silent else Timeouts())

    readings = {case: expected_reading(case, call, fault) for case in cases}
    first, attempts = pushes(), _first_attempts(call)
    for case, reading in readings.items():
        check_first_try(case, first[case.no], attempts[case.no], reading)
    assert not Lane.objects.filter(leased=True).exists()
    assert (Line.objects.get().state == "stopped") == (not {Reading.STOP, Reading.TOKEN}.isdisjoint(readings.values()))
    done_first = side.done.copy()

    back_queries(cases, call)
    let_pass(120)
    side.is_well = True
    send(side.base, Timeouts())

    last = pushes()
    assert {case: last[case.no].state for case in cases} == {
        case: expected_end(case, call, reading) for case, reading in readings.items()
    }
    for case, reading in readings.items():
        goes_again = reading not in {Reading.SENT, Reading.UNBOUND, Reading.FINAL} and last[case.no].state == "sent"
        assert side.done[case.no] - done_first[case.no] == goes_again
        assert side.done[case.no] <= 1 or reading is Reading.IN_DOUBT
    assert not PushAttempt.objects.open().exists()
    assert not Lane.objects.filter(wake_at__isnull=False).exists()


def _first_attempts(call: Call) -> dict[str, list[PushAttempt]]:
    found: dict[str, list[PushAttempt]] = {case.no: [] for case in CASES}
    for attempt in PushAttempt.objects.filter(call=call).select_related("push__waybill").order_by("started_at", "pk"):
        found[attempt.push.waybill.no].append(attempt)
    return found
