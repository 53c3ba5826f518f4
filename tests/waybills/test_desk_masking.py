"""What the desk shows of personal data before somebody reveals it."""

import pytest

from waybills.admin.masking import mask_contact, mask_numbers, mask_path
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


@pytest.mark.parametrize("text", ["预计2026-11-24 10:30送达", "3号楼 12层", "共 2 件，重 1.5 kg"])
def test_what_is_no_phone_stays_readable(text: str) -> None:
    assert mask_numbers(text) == text


def test_a_party_without_a_mobile_is_masked_in_the_text_too() -> None:
    party = Contact(name="王小明", phone="88886666")

    masked = mask_path(PathDocument("王小明 8888 6666 已签收"), [party])

    assert masked.action_msg.startswith("王** 8")
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
