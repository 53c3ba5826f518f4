"""Any text that sits in the database goes out whole, or as near as its format can hold it."""

import re
import xml.etree.ElementTree as ET
from contextlib import suppress

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waybills.cleaning import clean_text
from waybills.documents import PathDocument
from waybills.trail import Node
from wechat.exceptions import BodyUnreadable, DoctypeRefused
from wechat.flat_xml import escape, read_flat_xml
from wechat.messages import Format, Reply, ResultCode, parse, path_fields

NOT_FOR_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]+")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
NASTY = st.text(st.sampled_from("\x00\x01\t\n\r\x0b\x1f &<>]]\"'\ufffe\uffff\x85\u2028已😀"), max_size=60)


def reply(text: str) -> Reply:
    document = PathDocument(text, text, "", "", text)
    return Reply(text, text, 1600152165, ResultCode.FOUND, 1600000000, [Node(1600000000, 300001, document)])


@given(text=TEXTS | NASTY)
def test_xml_holds_every_text_but_what_xml_cannot_hold(text: str) -> None:
    document = ET.fromstring(reply(text).render(Format.XML))

    expected = NOT_FOR_XML.sub(" ", text)
    assert (document.findtext("ToUserName") or "") == expected
    assert (document.findtext("Path/ActionMsg") or "") == expected
    assert (document.findtext("Path/DeliveryCourierPhone") or "") == expected
    assert (document.findtext("Path/DeliveryCourierName")) is None


@given(text=TEXTS | NASTY)
def test_a_cleaned_text_is_the_same_text_in_xml_and_json(text: str) -> None:
    cleaned = clean_text(text)

    from_xml = ET.fromstring(reply(cleaned).render(Format.XML)).findtext("Path/ActionMsg") or ""
    from_json = orjson.loads(reply(cleaned).render(Format.JSON))["Path"][0]["ActionMsg"]

    assert from_xml == from_json == cleaned


@given(text=TEXTS | NASTY)
def test_json_holds_every_text(text: str) -> None:
    document = orjson.loads(reply(text).render(Format.JSON))

    assert document["ToUserName"] == document["Path"][0]["ActionMsg"] == text


@given(text=TEXTS | NASTY)
def test_what_is_escaped_is_read_back(text: str) -> None:
    fields = read_flat_xml(f"<xml><A>{escape(text)}</A></xml>".encode()).fields

    assert fields == {"A": [NOT_FOR_XML.sub(" ", text)]}


@given(body=st.binary(max_size=300))
def test_no_bytes_break_the_reader(body: bytes) -> None:
    for start in (b"", b"<xml>", b"{", b'{"Event":'):
        with suppress(BodyUnreadable, DoctypeRefused):
            assert isinstance(parse(start + body).event, str)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf", b"\n  "])
@pytest.mark.parametrize("body", [b"<xml><Event>e</Event></xml>", b'{"Event":"e"}'])
def test_what_stands_before_the_first_character_is_passed_over(mark: bytes, body: bytes) -> None:
    assert parse(mark + body).event == "e"


def test_the_encoding_that_a_document_claims_is_not_believed() -> None:
    body = '<?xml version="1.0" encoding="gb2312"?><xml><Event>派送</Event></xml>'.encode()

    assert parse(body).event == "派送"


def test_sections_and_references_are_one_text() -> None:
    body = b"<xml><Event><![CDATA[way<]]>bill&amp;&#95;x</Event></xml>"

    assert parse(body).event == "way<bill&_x"


def test_courier_fields_that_are_empty_are_left_out() -> None:
    node = Node(1, 300002, PathDocument("派送中", "", "", "张三", ""))

    assert path_fields(node) == {
        "ActionTime": 1,
        "ActionType": 300002,
        "ActionMsg": "派送中",
        "DeliveryCourierName": "张三",
    }
