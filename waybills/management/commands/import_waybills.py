"""`manage.py import_waybills FILE`: waybills and path events from a CSV file or an .xlsx workbook."""

import gc
import os
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from waybills.carrier_codes import mapped_codes
from waybills.files.ahead import ahead
from waybills.files.columns import BY_FIELD, MAPPING_FAULTS, check_mapping, guess_mapping
from waybills.files.intake import Slice, Survey, add_reports, read_slice, slices, survey
from waybills.files.refusals import FileRefused, refusal_text
from waybills.files.rows import BadRow
from waybills.files.table import Table, read_table
from waybills.files.templates import report_lines
from waybills.ingest import Report

_SWITCH = 0.0001
"""Seconds after which a thread that computes lets another one go on."""
_MOST_NAMED = 20
"""Bad rows that are named one by one; --report has them all."""


class Command(BaseCommand):
    """Looks through the file first, then stores it slice by slice. Killed and run again, it stores nothing twice."""

    help = (
        "Imports waybills and path events from a CSV file (UTF-8 or GB18030; comma, tab or semicolon) or an .xlsx "
        "workbook; says first how many rows there are, how many are bad and how many pushes are past their deadline."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the file, what its headers mean, and how far to go."""
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="HEADER=FIELD",
            help="what a header means that is not recognised; HEADER= leaves a column out. Fields: "
            + ", ".join(BY_FIELD),
        )
        parser.add_argument("--report", type=Path, metavar="CSV", help="write the bad rows here, to be corrected")
        parser.add_argument(
            "--check", action="store_true", help="look through the file, name what is bad, and store nothing"
        )
        parser.add_argument("--yes", action="store_true", help="do not ask before storing")

    def run_from_argv(self, argv: list[str]) -> None:
        """Run in a process that is for this alone."""
        # What is here now stays to the end: a collection need not look through it again and again.
        gc.freeze()
        # Whoever stores has the database's answer in a moment, and shall not wait 5 ms for whoever reads ahead.
        sys.setswitchinterval(_SWITCH)
        super().run_from_argv(argv)

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        """Survey, ask where somebody sits at the terminal, store. Raise CommandError where the file is refused."""
        report = options["report"]
        if report is not None and report.exists() and report.samefile(file):
            raise CommandError(_("--report names the file itself: it would be overwritten while it is read."))
        with _opened(file) as source:
            table = read_table(source)
            mapping = self._mapping(table, options["map"])
            if options["check"]:
                with _BadRows(table.header, options["report"], self.stderr.write) as bad:
                    self._announce(_survey(table, mapping, bad))
                return
            self._announce(_survey(table, mapping))
            if options["yes"] or self._agrees():
                self._store(read_table(source), mapping, options["report"])

    def _mapping(self, table: Table, given: Sequence[str]) -> list[str]:
        mapping = guess_mapping(table.header)
        for pair in given:
            header, _separator, field = pair.rpartition("=")
            if header not in table.header or (field and field not in BY_FIELD):
                raise CommandError(_("--map %(pair)s: no such header or field.") % {"pair": pair})
            mapping = ["" if field and known == field else known for known in mapping]
            mapping[table.header.index(header)] = field
        fault = check_mapping(mapping)
        for name, field in zip(table.header, mapping, strict=True):
            self.stderr.write(f"  {name} → {field or '—'}")
        if fault:
            raise CommandError(str(MAPPING_FAULTS[fault]))
        return mapping

    def _announce(self, found: Survey) -> None:
        self.stderr.write(
            _(
                "%(rows)d rows, %(bad)d of them bad. %(past)d events are past their deadline: they are stored and "
                "shown, and not pushed."
            )
            % {"rows": found.rows, "bad": found.bad, "past": found.past_deadline}
        )

    def _agrees(self) -> bool:
        """Return whether whoever sits there agrees; where nobody does, the call itself is consent."""
        if not sys.stdin.isatty():
            return True
        self.stderr.write(_("Store them? [y/N] "), ending="")
        self.stderr.flush()
        return sys.stdin.readline().strip().lower() in {"y", "yes"}

    def _store(self, table: Table, mapping: Sequence[str], path: Path | None) -> None:
        report, done, began = Report(), 0, time.monotonic()
        with _BadRows(table.header, path, self.stderr.write) as bad:
            for found in ahead(piece.prepare() for piece in _slices(table, mapping)):
                report, done = add_reports(report, found.store()), done + found.rows
                bad.add(found.bad)
                self._progress(done, time.monotonic() - began)
        self.stderr.write("")
        self.stdout.write(_summary(report, bad.count))

    def _progress(self, done: int, seconds: float) -> None:
        line = _("%(done)d rows, %(rate)d a second") % {"done": done, "rate": done / max(seconds, 0.001)}
        self.stderr.write(f"\r{line}", ending="")
        self.stderr.flush()


def _survey(table: Table, mapping: Sequence[str], bad: "_BadRows | None" = None) -> Survey:
    """Return what the rows would be; bad: takes those that are bad."""
    now, total = timezone.now(), Survey()
    for piece in _slices(table, mapping):
        found = survey(piece, now)
        if bad is not None:
            bad.add(piece.bad)
        total = Survey(total.rows + found.rows, total.bad + found.bad, total.past_deadline + found.past_deadline)
    if not total.rows:
        raise FileRefused("no_rows")
    return total


def _slices(table: Table, mapping: Sequence[str]) -> Iterator[Slice]:
    """Return what stands in the table, a slice at a time; reading it on needs no database."""
    codes = mapped_codes()
    return (read_slice(piece, table.header, mapping, codes) for piece in slices(table.rows))


class _BadRows:
    """Names the first bad rows, and writes all of them where a report was asked for."""

    def __init__(self, header: Sequence[str], path: Path | None, say: Any) -> None:
        self._header, self._path, self._say = header, path, say
        self._file: Any = None
        self.count = 0

    def __enter__(self) -> "_BadRows":
        if self._path is not None:
            # It holds personal data: nobody else on the machine shall read it.
            self._file = os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
            self._write([])
        return self

    def __exit__(self, *exception: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, rows: Sequence[BadRow]) -> None:
        """Take the bad rows of a slice."""
        for row in rows[: max(0, _MOST_NAMED - self.count)]:
            self._say("\r" + _("Line %(line)d: %(text)s") % {"line": row.row.line, "text": row.reason})
        self.count += len(rows)
        if self._file is not None and rows:
            self._write(rows)

    def _write(self, rows: Sequence[BadRow]) -> None:
        lines = report_lines(self._header, rows)
        first = next(lines)
        if not self._file.tell():
            self._file.write(first)
        self._file.writelines(lines)
        self._file.flush()


def _summary(report: Report, bad: int) -> str:
    return _(
        "Waybills: %(created)d created, %(updated)d updated, %(unchanged)d unchanged. Events: %(new)d created, "
        "%(waiting)d waiting for their waybill, %(duplicate)d known already. Bad rows: %(bad)d."
    ) % {
        "created": report.waybills_created,
        "updated": report.waybills_updated,
        "unchanged": report.waybills_unchanged,
        "new": report.paths_created,
        "waiting": report.paths_waiting,
        "duplicate": report.paths_duplicate,
        "bad": bad,
    }


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as source:
            yield source
    except FileRefused as refused:
        raise CommandError(refusal_text(refused.code, refused.line)) from refused
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error
