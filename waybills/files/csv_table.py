"""CSV as it is found: UTF-8 with or without its mark, GB18030, or Excel's "Unicode text"; comma, tab or semicolon."""

import codecs
import csv
import io
from collections.abc import Iterator
from typing import Any, BinaryIO

from waybills.files.refusals import LONGEST_ROW, FileRefused
from waybills.files.rows import Row

_BLOCK = 256 * 1024
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_DELIMITERS = {",": "comma", "\t": "tab", ";": "semicolon"}


def read(file: BinaryIO) -> tuple[str, Iterator[Row]]:
    """Return (how it is read, its rows with the header first). Raise FileRefused."""
    encoding = _encoding(file)
    file.seek(0)
    lines = _Lines(io.TextIOWrapper(io.BufferedReader(_Borrowed(file), _BLOCK), encoding, newline=""))
    first = lines.peek()
    delimiter = _delimiter(first)
    return f"{encoding.removesuffix('-sig').upper()} {_DELIMITERS[delimiter]}", _rows(lines, delimiter)


def _encoding(file: BinaryIO) -> str:
    """Return the first encoding in which the whole file is text: GB18030 takes much for text that is none."""
    file.seek(0)
    head = file.read(_BLOCK)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            if _is_text(file, encoding):
                return encoding
            raise FileRefused("encoding")
    if b"\0" in head:
        raise FileRefused("not_text")
    for encoding in ("utf-8", "gb18030"):
        if _is_text(file, encoding):
            return encoding
    raise FileRefused("encoding")


def _is_text(file: BinaryIO, encoding: str) -> bool:
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while block := file.read(_BLOCK):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _delimiter(header: str) -> str:
    """Return what stands between the names of a header.

    >>> _delimiter("运单号;收件人（姓名，全名）;收件人电话")
    ';'
    """
    outside = "".join(header.split('"')[::2])
    return max(_DELIMITERS, key=outside.count)


class _Borrowed(io.RawIOBase):
    """A file that stays open when its reader goes: it is the caller's."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = self._file.read(len(buffer))
        buffer[: len(block)] = block
        return len(block)


class _Lines:
    """The lines of a text, none of them and no row of several longer than LONGEST_ROW."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._readline = text.readline
        self._peeked: str | None = None
        self._since_row = 0
        self.line = 0

    def peek(self) -> str:
        """Return the first line that says anything, which is still to come."""
        while (line := self._read()) and not line.strip():
            self.line += 1
        self._peeked = line
        return line

    def begin_row(self) -> None:
        """Say that a row has come to its end."""
        self._since_row = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if self._peeked is None:
            line = self._readline(LONGEST_ROW + 1)
        else:
            line, self._peeked = self._peeked, None
        if not line:
            raise StopIteration
        self.line += 1
        self._since_row += len(line)
        if self._since_row > LONGEST_ROW:
            raise FileRefused("long_line", self.line)
        return line

    def _read(self) -> str:
        line = self._readline(LONGEST_ROW + 1)
        if len(line) > LONGEST_ROW:
            raise FileRefused("long_line", self.line + 1)
        return line


def _rows(lines: _Lines, delimiter: str) -> Iterator[Row]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    begin = lines.line + 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise FileRefused("broken_csv", begin) from error
        if cells is None:
            return
        lines.begin_row()
        yield Row(begin, cells)
        begin = lines.line + 1
