"""What the desk shows of personal data before somebody reveals it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waybills.admin.masking import mask_contact, mask_errmsg, mask_numbers, mask_path
from waybills.documents import Contact, PathDocument

NOTATIONS = [
    "13800138000",
    "138 0013 8000",
    "138-0013-8000",
    "138.0013.8000",
    "+86 138 0013 8000",
    "+8613800138000",
    "8613800138000",
    "138\u00a00013\u00a08000",
    "１３８００１３８０００",
    "(138)0013-8000",
]


@pytest.mark.parametrize("number", NOTATIONS)
def test_a_phone_is_masked_in_any_notation(number: str) -> None:
    masked = mask_numbers(f"电话：{number}，请拨打")

    assert "0013" not in masked
    assert "００１３" not in masked
    assert "138****8000" in masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("单号010 138 0013 8000", "单号010*******8000"),
        ("运单SF0012 138·0013·8000", "运单SF001********8000"),
        ("电话8888 6666", "电话******66"),
        ("快递员136 1234 56781", "快递员136*****6781"),
        ("138    0013    8000", "138****8000"),
        ("138 -- 0013&nbsp;8000", "138****8000"),
        ("138<br>0013x8000", "138****8000"),
        ("13800138000/13911112222", "138***************2222"),
        ("一三八零零一三八零零零", "一三八****八零零零"),
        ("138一0013一8000", "138******8000"),
        ("①③⑧⓪⓪①③⑧⓪⓪⓪", "138****8000"),
        ("2026-11-24 10:30 13800138000", "202****************8000"),
    ],
)
def test_a_number_s_neighbours_lead_nothing_astray(text: str, masked: str) -> None:
    assert mask_numbers(text) == masked


@given(
    # Without 9, 5 and 8: the digits looked for below can come from the phone alone.
    before=st.text("0123467 -.()SF运单·/", max_size=12),
    signs=st.lists(st.text(" -.()·/\u00a0", max_size=5), min_size=10, max_size=10),
    after=st.text("0123467 -.()SF件·/", max_size=12),
)
def test_four_digits_of_a_phone_are_hidden_whatever_stands_around_it(before: str, signs: list[str], after: str) -> None:
    first, *others = "17395284062"
    phone = first + "".join(map("".join, zip(signs, others, strict=True)))

    masked = mask_numbers(before + phone + after)

    assert "9528" not in masked
    assert "9528" not in "".join(filter(str.isdigit, masked))


@pytest.mark.parametrize("text", ["SF1390088776655", "单号SF1390088776655已签收", "SF1390088776655, 2件"])
def test_the_page_s_own_number_stays_readable_where_it_stands_alone(text: str) -> None:
    readable = "2件" not in text

    assert ("SF1390088776655" in mask_numbers(text, "SF1390088776655")) is readable
    assert "1390088776655" not in mask_numbers(text, "SF2")


@pytest.mark.parametrize("own", ["0013", "8000", "13800138", "1380013"])
def test_a_waybill_number_that_is_part_of_a_phone_uncovers_nothing(own: str) -> None:
    assert mask_numbers("电话138 0013 8000", own) == "电话138****8000"
    assert mask_numbers("电话13800138000", own) == "电话138****8000"


def test_wechat_s_words_are_masked_but_for_the_call_s_rid() -> None:
    masked = mask_errmsg("invalid phone 138 0013 8000 rid: 65f0a1b2-12345678-23456789")

    assert masked == "invalid phone 138****8000 rid: 65f0a1b2-12345678-23456789"
    assert "0013800" not in mask_errmsg("rid: 13800138000")


@pytest.mark.parametrize("text", ["预计2026-11-24 10:30送达", "3号楼 12层", "共 2 件，重 1.5 kg"])
def test_what_is_no_phone_stays_readable(text: str) -> None:
    assert mask_numbers(text) == text


def test_a_party_without_a_mobile_is_masked_in_the_text_too() -> None:
    party = Contact(name="王小明", phone="88886666")

    masked = mask_path(PathDocument("王小明 8888 6666 已签收"), [party])

    assert masked.action_msg.startswith("王** *")
    assert "6666" not in masked.action_msg


def test_couriers_are_masked_in_their_fields_and_in_the_text() -> None:
    document = PathDocument(
        "【赵铁柱/13612345678】正在派件", delivery_courier_name="赵铁柱", delivery_courier_phone="13612345678"
    )

    masked = mask_path(document, [])

    assert masked == PathDocument(
        "【赵**/136****5678】正在派件", delivery_courier_name="赵**", delivery_courier_phone="136****5678"
    )


def test_a_contact_keeps_its_region_only() -> None:
    contact = Contact("李四", "13800138000", "福建省", "泉州市", "晋江市", "东大街", "158-6", "id-1")

    assert mask_contact(contact) == Contact("李*", "138****8000", "福建省", "泉州市", "晋江市", "", "***", "")
    assert mask_contact(Contact()) == Contact()


def test_a_number_in_a_contact_s_region_is_masked() -> None:
    masked = mask_contact(Contact(province="省13800138000", city="市138 0013 8000", area="区88886666"))

    assert masked == Contact(province="省138****8000", city="市138****8000", area="区******66")


def test_a_numeral_in_a_name_is_no_digit() -> None:
    assert mask_numbers("【李四/13800138000】正在派件") == "【李四/138****8000】正在派件"
