"""The pieces of an import at rest: sealed, in the database, so that any machine's worker finds them."""

import io
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from waybills.documents import seal_chunk, unseal_chunk
from waybills.files.rows import BadRow, Row
from waybills.models import ImportChunk, ImportJob

_FILE_PIECE = 768 * 1024
"""Bytes."""
_KIND = ImportChunk.Kind


def put_file(job: ImportJob, file: BinaryIO) -> None:
    """Keep an uploaded file."""
    file.seek(0)
    number = 0
    while piece := file.read(_FILE_PIECE):
        _put(job, _KIND.FILE, number, b64encode(piece).decode())
        number += 1


def read_file(job: ImportJob) -> BinaryIO:
    """Return the uploaded file. Raise SealBroken."""
    file = io.BytesIO()
    for piece in _pieces(job, _KIND.FILE):
        file.write(b64decode(piece))
    return file


def put_rows(job: ImportJob, number: int, rows: Sequence[Row]) -> None:
    """Keep a slice of the file's rows."""
    _put(job, _KIND.ROWS, number, [(row.line, row.cells) for row in rows])


def read_rows(job: ImportJob, number: int) -> list[Row]:
    """Return a slice of the file's rows. Raise SealBroken, and DoesNotExist where it was used or erased."""
    piece = ImportChunk.objects.get(job=job, kind=_KIND.ROWS, number=number)
    return [Row(line, cells) for line, cells in unseal_chunk(job.pk, piece.kind, piece.number, bytes(piece.sealed))]


def put_bad_rows(job: ImportJob, number: int, bad: Sequence[BadRow]) -> None:
    """Keep the bad rows of a slice for the report."""
    if bad:
        _put(job, _KIND.BAD, number, [(row.row.line, row.reason, row.row.cells) for row in bad])


def read_bad_rows(job: ImportJob) -> Iterator[BadRow]:
    """Yield the bad rows in the order of their lines. Raise SealBroken."""
    for piece in _pieces(job, _KIND.BAD):
        for line, reason, cells in piece:
            yield BadRow(Row(line, cells), reason)


def erase(job: ImportJob, *kinds: str) -> None:
    """Erase all pieces of these kinds."""
    ImportChunk.objects.filter(job=job, kind__in=kinds).delete()


def erase_rows(job: ImportJob, number: int) -> None:
    """Erase a slice of rows that has been used."""
    ImportChunk.objects.filter(job=job, kind=_KIND.ROWS, number=number).delete()


def _put(job: ImportJob, kind: str, number: int, content: object) -> None:
    ImportChunk.objects.create(job=job, kind=kind, number=number, sealed=seal_chunk(job.pk, kind, number, content))


def _pieces(job: ImportJob, kind: str) -> Iterator[Any]:
    """Yield the pieces one by one: never more than one of them is in memory."""
    numbers = ImportChunk.objects.filter(job=job, kind=kind).order_by("number").values_list("number", flat=True)
    for number in list(numbers):
        piece = ImportChunk.objects.get(job=job, kind=kind, number=number)
        yield unseal_chunk(job.pk, piece.kind, piece.number, bytes(piece.sealed))
