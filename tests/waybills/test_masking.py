"""What the landing page hides, over texts as carriers write them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waybills.documents import Contact, PathDocument
from waybills.masking import mask_name, mask_of, mask_text

SENDER = Contact(name="张三", phone="13800138001")
RECEIVER = Contact(name="欧阳小锋", phone="13912345678")
COURIER = PathDocument("", delivery_courier_name="李四", delivery_courier_phone="13766668888")


def masked(text: str, *, hides_all: bool = False) -> str:
    return mask_text(text, mask_of([SENDER, RECEIVER], hides_all=hides_all), COURIER)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("快件到达【泉州磁灶集散中心】", "快件到达【泉州磁灶集散中心】"),
        ("【李四/13766668888】正在派件", "【李四/13766668888】正在派件"),
        ("已签收，签收人：欧阳小锋", "已签收，签收人：欧***"),
        ("收件人电话13912345678", "收件人电话139********"),
        ("致电 139-1234-5678 未接", "致电 139-****-**** 未接"),
        ("【李四/13912345678】签收", "【李四/139********】签收"),
        ("致电 139 1234 5678 未接", "致电 139 **** **** 未接"),
        ("致电 139\u00a01234\u00a05678 未接", "致电 139\u00a0****\u00a0**** 未接"),
        ("致电 139.1234.5678 未接", "致电 139.****.**** 未接"),
        ("致电 +86 13912345678 未接", "致电 +86 139******** 未接"),
        ("致电 +86-139-1234-5678", "致电 +86-139-****-****"),
        ("致电 （139）12345678", "致电 （139）********"),
        ("致电１３９１２３４５６７８", "致电１３９********"),
        ("致电 139１２３４5678", "致电 139********"),
        ("致电 1 3 9 1 2 3 4 5 6 7 8", "致电 1 3 9 * * * * * * * *"),
        ("寄件人张三13800138001，收件人欧阳小锋13912345678", "寄件人张*138********，收件人欧***139********"),
        ("【张三】请联系 95338", "【张*】请联系 95338"),
        ("运单557007127498128已揽收", "运单557007127498128已揽收"),
        ("12:30 13912345678 拒收", "12:30 139******** 拒收"),
    ],
)
def test_a_text_is_shown_without_its_parties(text: str, expected: str) -> None:
    assert masked(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("驿站电话18812340000", "驿站电话188********"),
        ("【李四/13766668888】正在派件", "【李四/13766668888】正在派件"),
        ("客服 95338，或 4008123123", "客服 95338，或 4008123123"),
        ("客服 10086 与 8008201234", "客服 10086 与 8008201234"),
        ("网点 0571-88886666", "网点 057*-********"),
        ("收件人13912345678", "收件人139********"),
    ],
)
def test_every_other_number_is_hidden_where_that_is_asked_for(text: str, expected: str) -> None:
    assert masked(text, hides_all=True) == expected


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        ("13800138000-1234", "电话13800138000"),
        ("13800138000转1234", "电话13800138000"),
        ("13800138000/13900139000", "电话13800138000"),
        ("013800138000", "电话13800138000"),
        ("(86)13800138000", "电话13800138000"),
        ("+8613800138000-12", "电话13800138000"),
        ("0571-88886666", "电话88886666"),
        ("86-571-88886666", "电话0571-88886666"),
        ("0086-571-88886666", "电话0571-88886666"),
        ("010-66668888", "电话66668888"),
        ("13800138000", "电话138    0013    8000"),
        ("13800138000", "电话138....0013....8000"),
        ("13800138000", "电话138 -- 0013 -- 8000"),
        ("13800138000", "电话138ー0013ー8000"),
        ("13800138000", "电话138&nbsp;0013&nbsp;8000"),
        ("13800138000", "电话138<br>0013<br/>8000"),
        ("13800138000", "电话一三八零零一三八〇〇〇"),
        ("13800138000", "电话①③⑧⓪⓪①③⑧⓪⓪⓪"),
        ("13800138000", "电话¹³⁸⁰⁰¹³⁸⁰⁰⁰"),
        ("13800138000", "尾号00138000"),
    ],
)
def test_a_stored_phone_is_known_in_every_way_of_writing_it(stored: str, text: str) -> None:
    mask = mask_of([Contact(phone=stored)], hides_all=False)

    shown = mask_text(text, mask, COURIER)

    assert shown.count("*") >= 6
    assert not re.search(r"[0-9一三八零〇①³⁸⁰]{4,}$", shown)


def test_a_name_made_of_digits_does_not_uncover_a_phone() -> None:
    mask = mask_of([Contact(name="38"), RECEIVER], hides_all=False)

    assert mask_text("电话13912345678", mask, COURIER).count("*") >= 8


@pytest.mark.parametrize(
    ("name", "text"),
    [("张三先生", "张三已签收"), ("张 三", "张三已签收"), ("张三", "张 三已签收"), ("ZHANG SAN", "Zhang San已签收")],
)
def test_a_name_is_known_however_it_is_spaced_and_addressed(name: str, text: str) -> None:
    shown = mask_text(text, mask_of([Contact(name=name)], hides_all=False), COURIER)

    assert shown[1] == "*"


def test_a_third_partys_number_beside_a_partys_is_hidden_where_all_are() -> None:
    assert masked("收件13912345678/13611112222", hides_all=True).count("*") >= 16


def test_a_landline_of_a_party_is_hidden() -> None:
    mask = mask_of([Contact(name="王", phone="057188886666")], hides_all=False)

    assert mask_text("请拨 0571-88886666", mask, COURIER) == "请拨 057*-********"


@pytest.mark.parametrize("name", ["张三", "欧阳锋", "深圳某某科技有限公司"])
def test_a_name_keeps_its_first_character_only(name: str) -> None:
    assert mask_name(name)[0] == name[0]
    assert set(mask_name(name)[1:]) == {"*"}


_SEPARATORS = st.sampled_from(["", " ", "-", ".", "\u00a0", "\u3000", " - ", "·", "_", "/", "\u2011", "）"])
_DIGITS = {str(n): [str(n), chr(0xFF10 + n)] for n in range(10)}


@st.composite
def _written(draw: st.DrawFn) -> str:
    """A receiver's phone as a carrier might write it."""
    digits = [draw(st.sampled_from(_DIGITS[digit])) + draw(_SEPARATORS) for digit in RECEIVER.phone]
    before = draw(st.sampled_from(["", "+86", "+86 ", "86-", "电话：", "共3件,"]))
    return before + "".join(digits)


@given(_written(), st.text(alphabet="派送中，签收 【】abc", max_size=12))
def test_in_no_notation_more_than_the_head_of_a_phone_is_left(written: str, after: str) -> None:
    shown = masked(f"请联系 {written}{after}")

    left = "".join(str(int(digit)) for digit in re.findall(r"\d", shown))
    assert not left.endswith("5678")
    assert "1234" not in left.removeprefix("863").removeprefix("3")
    assert masked(shown) == shown


@given(st.text(max_size=80))
def test_any_text_is_masked_without_an_error_and_once_is_enough(text: str) -> None:
    once = masked(text, hides_all=True)

    assert masked(once, hides_all=True) == once
    assert len(once) <= len(text)
