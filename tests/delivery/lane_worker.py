"""What the processes of `test_many_processes` do: feed, claim and settle; each notes its sends in a file of its own."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, TextIO

from django.conf import settings
from django.utils import timezone

from waybills import lanes
from waybills.documents import Contact, PathDocument
from waybills.ingest import PathItem, WaybillItem, ingest
from waybills.lanes import Attempt, Begin, Head, Move, Result, Seen
from waybills.models import Call, Outcome, Push, PushReason, PushState

_TYPES = (100001, 200001, 200001, 300002, 300003)
_RETRIES = 0.05
_LONGEST_CALL = 0.1
"""Seconds."""


@dataclass(frozen=True)
class Send:
    """One send as its worker noted it. ended_at: None where the worker died meanwhile. Unix seconds."""

    waybill_id: int
    fence: int
    action_time: int
    claimed_at: float
    leased_until: float
    began_at: float
    ended_at: float | None
    has_reached: bool
    """The far side has it, or may have it."""


def use_lease(seconds: float) -> None:
    settings.PUSH = replace(settings.PUSH, lease=timedelta(seconds=seconds))


def items(waybills: int, began: int) -> list[WaybillItem | PathItem]:
    """Return all that is fed, in the one order that every feeder shuffles it into."""
    made: list[WaybillItem | PathItem] = []
    for number in range(waybills):
        no = f"SF{number:06d}"
        made.append(WaybillItem(no, began - 60, Contact(), Contact(name="李四", phone=f"138{number:08d}")))
        made += [PathItem(no, began + step, type_, PathDocument(f"{step}")) for step, type_ in enumerate(_TYPES)]
    Random(7).shuffle(made)
    return made


def feed(index: int, options: dict[str, Any]) -> None:
    """Ingest this feeder's share, out of order."""
    mine = items(options["waybills"], options["began"])[index :: options["feeders"]]
    for start in range(0, len(mine), 40):
        part = mine[start : start + 40]
        ingest(
            [item for item in part if isinstance(item, WaybillItem)],
            [item for item in part if isinstance(item, PathItem)],
        )


def work(index: int, options: dict[str, Any]) -> None:
    """Claim, send and settle until all is fed and nothing is pending."""
    use_lease(options["lease"])
    rng, folder = Random(index), Path(options["folder"])
    with (folder / f"sends-{index}.txt").open("a", buffering=1) as notes:
        while True:
            is_fed = (folder / "fed").exists()
            attempts = lanes.claim(limit=20, now=timezone.now(), decide=notify).attempts
            if attempts:
                settle(attempts, notes, rng)
            elif is_fed and not Push.objects.pending().exists():
                return
            else:
                time.sleep(0.05)


def notify(heads: Sequence[Head]) -> list[Begin]:
    return [Begin(head, Call.PATHNOTIFY, "{}") for head in heads]


def settle(attempts: Sequence[Attempt], notes: TextIO, rng: Random) -> None:
    failing = {attempt.id for attempt in attempts if rng.random() < _RETRIES}
    began_at = time.time()
    for attempt in attempts:
        _note(notes, "began", attempt, began_at)
    time.sleep(rng.random() * _LONGEST_CALL)
    ended_at = time.time()
    for attempt in attempts:
        _note(notes, "failed" if attempt.id in failing else "done", attempt, ended_at)
    now = timezone.now()
    lanes.settle([_result(attempt, now, is_retry=attempt.id in failing) for attempt in attempts], now=now)


def _result(attempt: Attempt, now: datetime, *, is_retry: bool) -> Result:
    if is_retry:
        wait = now + timedelta(milliseconds=200)
        move = Move(PushState.PENDING, PushReason.RETRYING, wait, tries=attempt.head.tries + 1)
        return Result(Seen(attempt, now, Outcome.FAILED, errcode=932001), move)
    return Result(Seen(attempt, now, Outcome.OK, errcode=0, exist=1), Move(PushState.SENT), has_reached=True)


def _note(notes: TextIO, event: str, attempt: Attempt, at: float) -> None:
    head = attempt.head
    moments = (head.claimed_at.timestamp(), head.leased_until.timestamp())
    notes.write(
        json.dumps([event, str(attempt.id), head.waybill_id, head.fence, head.action_time, *moments, at]) + "\n"
    )


def sends(folder: Path) -> list[Send]:
    """Return all sends that the workers noted."""
    found: dict[str, Send] = {}
    for event, id_, *values, at in _lines(folder):
        if event == "began":
            found[id_] = Send(*values, at, None, has_reached=True)
        else:
            found[id_] = replace(found[id_], ended_at=at, has_reached=event == "done")
    return list(found.values())


def is_sending(folder: Path, index: int) -> bool:
    """Return whether this worker is between a send's beginning and its end."""
    notes = folder / f"sends-{index}.txt"
    # It may have been forked a moment ago and not have run yet.
    lines = notes.read_text().splitlines() if notes.exists() else []
    return bool(lines) and lines[-1].startswith('["began"')


def _lines(folder: Path) -> Iterator[list[Any]]:
    for file in folder.glob("sends-*.txt"):
        yield from (json.loads(line) for line in file.read_text().splitlines(keepends=True) if line.endswith("]\n"))


def claim_and_wait(index: int, options: dict[str, Any]) -> None:
    """Claim, wait for the word, and settle as sent: a worker that is paused meanwhile."""
    use_lease(options["lease"])
    folder = Path(options["folder"])
    attempts = lanes.claim(limit=1, now=timezone.now(), decide=notify).attempts
    (folder / "claimed").touch()
    for _ in count():
        if (folder / "go").exists():
            break
        time.sleep(0.01)
    now = timezone.now()
    lanes.settle([_result(attempt, now, is_retry=False) for attempt in attempts], now=now)
    (folder / "settled").touch()
