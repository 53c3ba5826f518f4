"""The first sheet of an .xlsx workbook, row by row, with bounds on what it unpacks to."""

import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, BinaryIO
from xml.etree.ElementTree import fromstring
from xml.parsers import expat
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from openpyxl.reader.excel import ExcelReader
from openpyxl.utils.exceptions import InvalidFileException

from waybills.files.cells import text_of
from waybills.files.refusals import LONGEST_ROW, FileRefused
from waybills.files.rows import Row

_LARGEST = 512 * 1024 * 1024
"""Bytes of all parts, unpacked: about a million rows."""
_LARGEST_PART = 64 * 1024 * 1024
"""Of a part that is held in memory: all but the sheets."""
_MOST_PARTS = 4096
_BLOCK = 64 * 1024
_LAST_LINE = 1_048_576
"""Of any sheet, by Excel's own limit."""
_CONTENTS = "[Content_Types].xml"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_SHEET, _STRINGS = f"{_TYPE}.worksheet+xml", f"{_TYPE}.sharedStrings+xml"
_SHEETS = "xl/worksheets/"
"""What stands elsewhere is found by its name and read whole, whatever type it is given."""
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_MOST_ELEMENTS = 300_000
"""Of one row or string, or of a part without any: each becomes an object, a style a thousand bytes of it."""
_MOST_PIECES = 4 * _LAST_LINE
"""Rows of a sheet, or strings."""
_MOST_CHARACTERS = 1024 * 1024
"""Of one row or string."""
_LONGEST_TOKEN = 1024 * 1024
"""Bytes of one tag or comment."""
_SMALL = 1024 * 1024
"""Bytes of a part that cannot hold more elements than that."""
_DAMAGE = (
    AttributeError,
    BadZipFile,
    EOFError,
    IndexError,
    InvalidFileException,
    KeyError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    zlib.error,
)
"""What a damaged workbook makes the libraries raise; an XML error is a SyntaxError, a forbidden entity a ValueError."""


def read(file: BinaryIO) -> tuple[str, Iterator[Row]]:
    """Return (how it is read, its rows with the header first). Raise FileRefused."""
    try:
        _check(file)
        file.seek(0)
        reader = _Reader(file, read_only=True, data_only=True, keep_links=False)
        reader.read()
        book = reader.wb
    except _DAMAGE as error:
        raise FileRefused("broken_xlsx") from error
    if not book.worksheets:
        raise FileRefused("no_sheet")
    return "XLSX", _rows(book)


class _Reader(ExcelReader):  # type: ignore[misc]
    """Leaves out what no table needs: of these parts each is read whole."""

    def read_chartsheet(self, sheet: Any, rel: Any) -> None:
        """Read no chart."""

    def read_properties(self) -> None:
        """Read no author and title."""

    def read_custom(self) -> None:
        """Read no properties of a company's own."""

    def read_theme(self) -> None:
        """Read no colours."""


def _check(file: BinaryIO) -> None:
    """Refuse what would swell: beyond the limits when it is unpacked, or by entities when it is parsed.

    ZipFile unpacks no part beyond the size that it declares.
    """
    with ZipFile(file) as archive:
        parts = {info.filename: info.file_size for info in archive.infolist()}
        if len(archive.infolist()) > _MOST_PARTS or sum(parts.values()) > _LARGEST or parts[_CONTENTS] > _LARGEST_PART:
            raise FileRefused("swollen_xlsx")
        if any(info.compress_type not in {ZIP_STORED, ZIP_DEFLATED} for info in archive.infolist()):
            # The format has no other; LZMA asks for gigabytes, and its errors are of a kind of their own.
            raise FileRefused("broken_xlsx")
        for name in parts:
            _refuse_doctype(archive, name)
        types: dict[str, set[str]] = {}
        for entry in fromstring(archive.read(_CONTENTS)):  # noqa: S314 - it has no DOCTYPE
            types.setdefault(entry.get("PartName", "").lstrip("/"), set()).add(entry.get("ContentType", ""))
        for name, size in parts.items():
            piece = _piece(name, types.get(name, set()))
            if size > _LARGEST_PART and piece != "row":
                raise FileRefused("swollen_xlsx")
            if size > _SMALL:
                _refuse_crowd(archive, name, piece)


def _piece(name: str, types: set[str]) -> str:
    """Return the element by which a part is read piece by piece; the empty text: it is read whole."""
    if types == {_SHEET} and name.startswith(_SHEETS) and name.endswith(".xml"):
        return "row"
    return "si" if types == {_STRINGS} else ""


def _refuse_crowd(archive: ZipFile, name: str, piece: str) -> None:
    """Refuse a part that packs more than is held in memory into one row or string, or into itself."""
    mark, since, pieces, characters = f"{_MAIN} {piece}", 0, 0, -1

    def count(element: str, attributes: dict[str, str]) -> None:
        nonlocal since, pieces, characters
        if element == mark:
            since, pieces, characters = 0, pieces + 1, 0
        since += 1
        if since > _MOST_ELEMENTS or pieces > _MOST_PIECES:
            raise FileRefused("swollen_xlsx")

    def weigh(text: str) -> None:
        nonlocal characters
        if characters < 0:
            return
        characters += len(text)
        if characters > _MOST_CHARACTERS:
            raise FileRefused("swollen_xlsx")

    def leave(element: str) -> None:
        nonlocal characters
        if element == mark:
            characters = -1

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.CharacterDataHandler, parser.EndElementHandler = count, weigh, leave
    _feed(parser, archive, name)


def _feed(parser: expat.XMLParserType, archive: ZipFile, name: str) -> None:
    """Parse a part as far as it is XML; refuse a tag or comment without an end.

    expat looks through what has no end yet once more with each block.
    """
    fed = 0
    with suppress(_RootReached, expat.ExpatError), archive.open(name) as part:
        while block := part.read(_BLOCK):
            parser.Parse(block, False)
            fed += len(block)
            if fed - parser.CurrentByteIndex > _LONGEST_TOKEN:
                raise FileRefused("swollen_xlsx")


class _RootReached(Exception):
    """The prolog of an XML part is over."""


def _refuse_doctype(archive: ZipFile, name: str) -> None:
    """Refuse a part with a DOCTYPE, which alone can declare entities; it stands before the root element."""

    def refuse(*doctype: Any) -> None:
        raise FileRefused("broken_xlsx")

    def stop(*element: Any) -> None:
        raise _RootReached

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler, parser.StartElementHandler = refuse, stop
    # A part that is no XML, an image for example, is parsed by nobody.
    _feed(parser, archive, name)


def _rows(book: Any) -> Iterator[Row]:
    sheet = book.worksheets[0]
    # What the sheet says of its own size may be wrong, and would then cut it.
    sheet.reset_dimensions()
    try:
        for line, values in enumerate(sheet.iter_rows(values_only=True), 1):
            if line > _LAST_LINE:
                raise FileRefused("broken_xlsx", line)
            yield Row(line, _cells(line, values))
    except _DAMAGE as error:
        raise FileRefused("broken_xlsx") from error
    finally:
        book.close()


def _cells(line: int, values: tuple[Any, ...]) -> list[str]:
    cells = [text_of(value) for value in values]
    while cells and not cells[-1]:
        cells.pop()
    if sum(map(len, cells)) > LONGEST_ROW:
        raise FileRefused("long_line", line)
    return cells
