"""Examines a deployment: configuration, storage, token, line and callback."""

from argparse import ArgumentTypeError
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from wechat.doctor import examine
from wechat.doctor.findings import Finding, Grade

_MARKS = {Grade.OK: gettext_lazy("[ok]"), Grade.NOTE: gettext_lazy("[note]"), Grade.PROBLEM: gettext_lazy("[wrong]")}


class Command(BaseCommand):
    """`wechat_doctor`: one line a check; exit status 0 all well, 1 not."""

    help = "Check configuration, storage, token, line and callback; say what is wrong and how to mend it."
    # The doctor runs them and words what they find: a wrong setting is a finding, not the end.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the callback's address."""
        parser.add_argument("--callback-url", type=_address, help="the address that WeChat's console has, to be asked")

    def handle(self, *args: Any, callback_url: str | None, **options: Any) -> None:
        """Print the findings as they come; raise CommandError where one is a problem."""
        problems = 0
        for finding in examine(callback_url):
            self.stdout.write(self._line(finding))
            self.stdout.flush()
            problems += finding.grade is Grade.PROBLEM
        if problems:
            raise CommandError(ngettext("%(count)d problem.", "%(count)d problems.", problems) % {"count": problems})
        self.stdout.write(self.style.SUCCESS(_("All is well.")))

    def _line(self, finding: Finding) -> str:
        styles = {Grade.OK: self.style.SUCCESS, Grade.NOTE: self.style.WARNING, Grade.PROBLEM: self.style.ERROR}
        remedy = f" → {finding.remedy}" if finding.remedy else ""
        mark = styles[finding.grade](str(_MARKS[finding.grade]))
        says = _("%(what)s: %(says)s") % {"what": finding.what, "says": finding.says}
        return " ".join(f"{mark} {says}{remedy}".split())


def _address(text: str) -> str:
    """Return an address as it is written; ArgumentTypeError, which argparse words, for anything else."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ArgumentTypeError("not an address such as https://portal.example.com/wechat/callback/")
    try:
        parts.port  # noqa: B018 - it is parsed only here
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
    return text
