"""XML as WeChat writes it: one root with fields in it. Read without recursion, written by hand.

pyexpat itself and not a tree: a document of 64 KiB costs a few milliseconds whatever is in it, and a document type is
refused at its first character, before an entity can be declared.
"""

import re
from dataclasses import dataclass, field
from xml.parsers import expat

from wechat.exceptions import BodyUnreadable, DoctypeRefused

_FIELD = 2
"""The depth of a field: the root is 1."""
_TO_ESCAPE = re.compile("[&<>\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NOT_FOR_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]+")


@dataclass(slots=True)
class FlatXml:
    """What a document holds, field by field, and how far it goes beyond a flat one."""

    fields: dict[str, list[str | None]] = field(default_factory=dict)
    """The texts of each field, in order; None for one that has elements in it and so is no text."""
    depth: int = 0
    attributes: int = 0


def read_flat_xml(document: bytes) -> FlatXml:
    """Return the fields of a document in UTF-8.

    >>> read_flat_xml(b"<xml><A>1</A><A>2</A><B><C/></B></xml>").fields
    {'A': ['1', '2'], 'B': [None]}

    Raise BodyUnreadable where it is not XML, DoctypeRefused where it declares a document type.
    """
    # The encoding is given: a declaration in the document does not choose another.
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.buffer_size = 65536
    parser.ordered_attributes = True
    reader = _Reader()
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(document, True)
    except expat.ExpatError as error:
        raise BodyUnreadable(expat.ErrorString(error.code)) from None
    return reader.found


def _refuse_doctype(name: str, system_id: str | None, public_id: str | None, has_subset: int) -> None:
    raise DoctypeRefused


class _Reader:
    """Gathers fields while expat walks the document."""

    def __init__(self) -> None:
        self.found = FlatXml()
        self._depth = 0
        self._texts: list[str] = []
        self._is_text = True

    def start(self, name: str, attributes: list[str]) -> None:
        self._depth += 1
        self.found.attributes += len(attributes) // 2
        if self._depth > self.found.depth:
            self.found.depth = self._depth
        if self._depth == _FIELD:
            self._texts = []
            self._is_text = True
        elif self._depth > _FIELD:
            self._is_text = False

    def text(self, text: str) -> None:
        if self._depth == _FIELD:
            self._texts.append(text)

    def end(self, name: str) -> None:
        if self._depth == _FIELD:
            value = "".join(self._texts) if self._is_text else None
            self.found.fields.setdefault(name, []).append(value)
        self._depth -= 1


def escape(text: str) -> str:
    r"""Return text as it stands between two tags; what XML cannot hold becomes one space a run.

    A carriage return is written as a reference: a reader turns a bare one into a line feed.

    >>> escape("a<b & c]]>\r\x00\x01")
    'a&lt;b &amp; c]]&gt;&#13; '
    """
    if not _TO_ESCAPE.search(text):
        return text
    plain = _NOT_FOR_XML.sub(" ", text)
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
