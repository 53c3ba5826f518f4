"""The line as the workers see and move it; `waybills.services` is how a person does."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from waybills.database import fetch, read_moment, read_moment_or_none
from waybills.models import Line, Push


@dataclass(frozen=True, slots=True)
class LineStatus:
    """What staff see. code: WeChat's, null where a person stopped it. waiting: pending pushes."""

    state: str
    code: int | None
    reason: str
    remedy: str
    since: datetime
    waiting: int


def line_status() -> LineStatus:
    """Return where the line stands."""
    line = current_line()
    return LineStatus(line.state, line.code, line.reason, line.remedy, line.since, Push.objects.pending().count())


_COLUMNS = ("id", "state", "code", "reason", "remedy", "since", "probe_at", "token_refusals")
# By hand: each claim and each record looks here, and a queryset costs them as much as a statement over a whole batch.
_CURRENT = f"SELECT {', '.join(_COLUMNS)} FROM waybills_line WHERE id = 1"  # noqa: S608 - constants


def current_line() -> Line:
    """Return the line's one row, making it the first time."""
    rows = fetch(_CURRENT)
    if not rows:
        return Line.objects.get_or_create(pk=1, defaults={"since": timezone.now()})[0]
    id_, state, code, reason, remedy, since, probe_at, refusals = rows[0]
    values = (id_, state, code, reason, remedy, read_moment(since), read_moment_or_none(probe_at), refusals)
    return Line.from_db(None, _COLUMNS, values)


def is_open(now: datetime) -> bool:
    """Return whether anything may be claimed now: the line runs, or a probe of it is due."""
    line = current_line()
    return line.state == Line.State.RUNNING or (line.probe_at is not None and line.probe_at <= now)


def allowance(limit: int, *, now: datetime, probe_for: timedelta) -> int:
    """Return how many lanes may be claimed now: all of `limit`, none, or the one that probes a stopped line.

    Whoever gets the probe has moved `probe_at` on by `probe_for`, so that nobody else probes meanwhile.
    """
    line = current_line()
    if line.state == Line.State.RUNNING:
        return limit
    took_probe = Line.objects.filter(state=Line.State.STOPPED, probe_at__lte=now).update(probe_at=now + probe_for)
    return 1 if took_probe else 0


def stop_by_code(*, code: int, reason: str, remedy: str, probe_at: datetime | None, now: datetime) -> bool:
    """Stop the line for what WeChat answered; return whether it was running before.

    A line that a person stopped stays that person's. A failed probe says when the next one is.
    """
    current_line()
    values = {"code": code, "reason": reason[:512], "remedy": remedy[:512], "probe_at": probe_at}
    stopped = Line.objects.filter(state=Line.State.RUNNING).update(state=Line.State.STOPPED, since=now, **values)
    if not stopped:
        Line.objects.filter(state=Line.State.STOPPED, code__isnull=False).update(**values)
    return bool(stopped)


def resume_by_probe(*, now: datetime) -> bool:
    """Let the line run again after a probe that succeeded; return whether it had been stopped by a code."""
    return bool(Line.objects.filter(state=Line.State.STOPPED, code__isnull=False).update(**_running(now)))


def count_token_refusals(refused: int, accepted: bool) -> int:
    """Return how many tries in a row, of whichever pushes, ended with a token that was refused after its renewal."""
    with transaction.atomic():
        line = Line.objects.select_for_update().get(pk=current_line().pk)
        count = refused if accepted else line.token_refusals + refused
        if count != line.token_refusals:
            Line.objects.filter(pk=line.pk).update(token_refusals=count)
        return count


def _running(now: datetime) -> dict[str, object]:
    return {
        "state": Line.State.RUNNING,
        "code": None,
        "reason": "",
        "remedy": "",
        "probe_at": None,
        "since": now,
        "token_refusals": 0,
    }
