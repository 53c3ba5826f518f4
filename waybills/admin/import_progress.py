"""How far an import is, in words; the page's script asks for it every second."""

from datetime import datetime, timedelta
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from waybills.models import ImportJob

State = ImportJob.State
_PATIENCE = timedelta(seconds=15)


def progress(job: ImportJob, now: datetime) -> dict[str, Any]:
    """Return what the page shows: `state`, `done` of `total` (null: not known), `headline`, `detail`."""
    reading = job.state == State.READING
    return {
        "state": job.state,
        "done": job.rows if reading else job.rows_done,
        "total": None if reading or not job.rows else job.rows,
        "headline": _headline(job),
        "detail": _waiting_for_worker(job, now) or _detail(job),
    }


def _headline(job: ImportJob) -> str:
    return {
        State.READING: _("The file is being read"),
        State.CHECKING: _("The rows are being checked; nothing is stored yet"),
        State.WAITING: _("The import begins in a moment"),
        State.RUNNING: _("The rows are being stored"),
    }.get(State(job.state), str(job.get_state_display()))


def _detail(job: ImportJob) -> str:
    if job.state == State.READING:
        return _("%(rows)s rows read") % {"rows": _number(job.rows)}
    parts = [_("%(done)s of %(total)s rows") % {"done": _number(job.rows_done), "total": _number(job.rows)}]
    if job.is_active and job.rate:
        parts.append(_("%(rate)s rows a second") % {"rate": _number(job.rate)})
        parts.append(_left(job.remaining))
    if job.bad_rows:
        parts.append(_("%(bad)s bad") % {"bad": _number(job.bad_rows)})
    return " · ".join(part for part in parts if part)


def _left(remaining: timedelta | None) -> str:
    if remaining is None:
        return ""
    seconds = int(remaining.total_seconds()) + 1
    if seconds <= 60:
        return ngettext("%(count)d second left", "%(count)d seconds left", seconds) % {"count": seconds}
    minutes = round(seconds / 60)
    return ngettext("%(count)d minute left", "%(count)d minutes left", minutes) % {"count": minutes}


def _waiting_for_worker(job: ImportJob, now: datetime) -> str:
    """Return what to do where no worker has come; the empty text where one has, or still may."""
    since = job.created_at if job.state == State.READING and not job.fence else None
    if job.state == State.WAITING:
        since = job.started_at
    if since is None or now - since < _PATIENCE:
        return ""
    return _("No worker has taken it up. Others may come first; if nothing moves, ask whether the workers run.")


def _number(value: int) -> str:
    return number_format(value, use_l10n=True, force_grouping=True)
