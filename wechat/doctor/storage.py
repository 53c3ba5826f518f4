"""What is stored: the database, its migrations, the keys that open it, and the line, which is one of its rows."""

from collections.abc import Iterator

from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from waybills.line import line_status
from waybills.models import Line
from waybills.readiness import Readiness, probe_database, probe_keys, probe_migrations
from wechat.doctor.findings import Finding, fine, note, problem
from wechat.error_codes import explain

_UNREADABLE = (
    gettext_lazy("The tables cannot be read."),
    gettext_lazy("Check the rights of the database's user, and run manage.py migrate."),
)
_TROUBLES = {
    Readiness.AWAY: (
        gettext_lazy("The database does not answer."),
        gettext_lazy("Check DATABASE_URL, and that the database runs and is reached from here."),
    ),
    Readiness.NOT_APPLIED: (gettext_lazy("Migrations wait."), gettext_lazy("Run manage.py migrate.")),
    Readiness.NOT_KNOWN: _UNREADABLE,
    Readiness.SEALED_OTHERWISE: (
        gettext_lazy("PII_KEYS does not open the newest waybill."),
        gettext_lazy("Put the key it was sealed with back: in PII_KEYS a new key stands first, the former ones stay."),
    ),
    Readiness.INDEXED_OTHERWISE: (
        gettext_lazy("PII_INDEX_KEY is not the one under which the newest waybill was stored."),
        gettext_lazy("Put the former key back: it must never change."),
    ),
}


def check_storage() -> Iterator[Finding]:
    """Yield a finding each of database, keys and line; without a database the others cannot be told."""
    database = probe_database()
    if database is Readiness.OK:
        database = probe_migrations()
    yield _finding(_("Database"), database, _("Answers, and its migrations are applied."))
    if database is not Readiness.OK:
        yield note(_("Keys, line"), _("Not checked: the database is not in order."))
        return
    yield _finding(_("Keys"), probe_keys(), _("They open what is stored."))
    yield check_line()


def _finding(what: str, found: Readiness, all_well: str) -> Finding:
    return fine(what, all_well) if found is Readiness.OK else problem(what, *_TROUBLES[found])


def check_line() -> Finding:
    """Return whether pushes go out; where they do not, since when, why, and what lets them go again."""
    line = line_status()
    if line.state == Line.State.RUNNING:
        return fine(_("Line"), _("Running; %(waiting)d pushes wait.") % {"waiting": line.waiting})
    explanation = explain(line.code)
    meaning = f"{line.code} {explanation.meaning} " if explanation else ""
    says = _("Stopped since %(since)s, %(waiting)d pushes wait: %(reason)s") % {
        "since": f"{localtime(line.since):%Y-%m-%d %H:%M}",
        "waiting": line.waiting,
        "reason": meaning + line.reason,
    }
    return problem(_("Line"), says, line.remedy or _("Resume it on the desk when its cause is gone."))
