"""Judges a run in which workers were killed: the far side's ledger beside the portal's own rows."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.delivery.load import number, phone
from waybills.models import Lane, Push, PushAttempt

BEFORE_ROW = "before the attempt's row"
ROW_TO_BYTE = "row to first byte"
WAITING = "waiting for the answer"
ANSWER_TO_RECORD = "answer to record"
WINDOWS = (BEFORE_ROW, ROW_TO_BYTE, WAITING, ANSWER_TO_RECORD)
IDLE = "nothing to do"
_LOST = "the sending process ended"


@dataclass(frozen=True)
class Kill:
    """One kill. at: Unix seconds. was_due: something was due, and not written down yet."""

    at: float
    was_due: bool


@dataclass(frozen=True)
class Call:
    """One call as the far side's ledger has it. Unix seconds."""

    name: str
    waybill_no: str
    phone: str
    action_time: int | None
    errcode: int | None
    came_at: float
    answered_at: float


def read_ledger(entries: Iterable[dict[str, Any]]) -> list[Call]:
    """Return the far side's calls in the order in which they came."""
    calls = [
        Call(
            entry["call"],
            entry["waybill_id"],
            entry["phone"],
            entry["action_time"],
            entry["errcode"],
            entry["at"],
            entry["at"] + entry["duration_ms"] / 1000,
        )
        for entry in entries
    ]
    return sorted(calls, key=lambda call: call.came_at)


def judge(ledger: Sequence[Call]) -> None:
    """Check what must hold once nothing is pending."""
    pushes = list(Push.objects.select_related("waybill"))
    acted = defaultdict[tuple[str, int | None], list[float]](list)
    for call in ledger:
        if call.name == "pathnotify" and call.errcode == 0:
            acted[call.waybill_no, call.action_time].append(call.came_at)
    unknown = _unknown_attempts()

    assert {push.state for push in pushes} <= {"sent", "unknown", "expired"}
    assert not Lane.objects.filter(leased=True).exists()
    assert not Lane.objects.filter(wake_at__isnull=False).exists()
    assert not PushAttempt.objects.open().exists()
    for push in pushes:
        came = acted[push.waybill.no, push.action_time]
        assert came or push.state in {"unknown", "expired"}, f"{push.waybill.no} is missing"
        check_duplicates(push, came, unknown[push.pk])
    check_order(ledger)


def _unknown_attempts() -> dict[int, list[float]]:
    """Return when each push's attempts began whose outcome is unknown."""
    found = defaultdict[int, list[float]](list)
    for push_id, started_at in PushAttempt.objects.filter(outcome="unknown").values_list("push_id", "started_at"):
        found[push_id].append(started_at.timestamp())
    return found


def check_duplicates(push: Push, came: Sequence[float], unknown: Sequence[float]) -> None:
    """Check that before each repetition an attempt stands whose outcome is unknown."""
    for repetition, moment in enumerate(came[1:], 1):
        before = sum(started_at < moment for started_at in unknown)
        assert before >= repetition, f"{push.waybill.no} {push.action_type} came twice for no reason"


def check_order(ledger: Sequence[Call]) -> None:
    """Check that no waybill's action_time goes backwards among what the far side acted on."""
    newest: dict[str, int] = {}
    for call in ledger:
        if call.name == "pathnotify" and call.errcode == 0 and call.action_time is not None:
            assert call.action_time >= newest.get(call.waybill_no, 0), f"{call.waybill_no} goes backwards"
            newest[call.waybill_no] = call.action_time


def windows_hit(kills: Sequence[Kill], ledger: Sequence[Call]) -> Counter[str]:
    """Return how many kills hit each window; a kill amid many calls may hit several."""
    calls = defaultdict[tuple[str, str], list[Call]](list)
    for call in ledger:
        calls[call.name, call.waybill_no or call.phone].append(call)
    hit: dict[Kill, set[str]] = {kill: set() for kill in kills}
    for attempt in PushAttempt.objects.filter(errmsg=_LOST).select_related("push__waybill"):
        started_at = attempt.started_at.timestamp()
        kill = next((kill for kill in kills if kill.at >= started_at), None)
        if kill is not None:
            hit[kill].add(_window(attempt, started_at, kill.at, calls))
    return Counter(window for kill, found in hit.items() for window in found or {BEFORE_ROW if kill.was_due else IDLE})


def _window(attempt: PushAttempt, started_at: float, kill: float, calls: dict[tuple[str, str], list[Call]]) -> str:
    no = attempt.push.waybill.no
    subject = no if attempt.call == "pathnotify" else phone(_index(no))
    made = [call for call in calls[attempt.call, subject] if started_at <= call.came_at <= kill + 1]
    if not made:
        return ROW_TO_BYTE
    return WAITING if made[0].answered_at > kill else ANSWER_TO_RECORD


def _index(no: str) -> int:
    index = int(no.removeprefix("SF"))
    assert number(index) == no
    return index
