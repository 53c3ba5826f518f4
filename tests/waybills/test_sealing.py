"""Sealed documents: what does not open is an error, and no blob can be moved."""

from typing import Any

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from waybills.documents import Contact, PathDocument
from waybills.sealing import SealBroken, Sealer, blind_index, content_digest, seal, unseal

DOCUMENT = (1, "李四", "13800138000")


def test_a_document_comes_back_as_it_was() -> None:
    assert unseal("waybill.sealed", b"SF1", seal("waybill.sealed", b"SF1", DOCUMENT)) == list(DOCUMENT)


def test_neither_keys_nor_personal_data_have_a_repr() -> None:
    assert repr(settings.SEAL.keys[0]) not in repr(settings.SEAL)
    assert "李四" not in repr(Contact(name="李四"))
    assert "李四" not in repr(PathDocument("李四 已签收"))


def test_the_same_document_is_sealed_differently_each_time() -> None:
    assert seal("waybill.sealed", b"SF1", DOCUMENT) != seal("waybill.sealed", b"SF1", DOCUMENT)


def test_nothing_of_it_can_be_read_in_the_blob() -> None:
    blob = seal("waybill.sealed", b"SF1", DOCUMENT)

    assert "李四".encode() not in blob
    assert b"13800138000" not in blob


def test_each_changed_byte_breaks_the_seal() -> None:
    blob = seal("waybill.sealed", b"SF1", DOCUMENT)

    for place in range(len(blob)):
        changed = blob[:place] + bytes([blob[place] ^ 1]) + blob[place + 1 :]
        with pytest.raises(SealBroken):
            unseal("waybill.sealed", b"SF1", changed)


@pytest.mark.parametrize(("place", "key"), [("path.sealed", b"SF1"), ("waybill.sealed", b"SF2")])
def test_a_blob_does_not_open_in_another_place_or_row(place: str, key: bytes) -> None:
    blob = seal("waybill.sealed", b"SF1", DOCUMENT)

    with pytest.raises(SealBroken):
        unseal(place, key, blob)


@pytest.mark.parametrize("length", [0, 1, 15, 31])
def test_a_blob_that_is_cut_off_is_broken(length: int) -> None:
    blob = seal("waybill.sealed", b"SF1", DOCUMENT)

    with pytest.raises(SealBroken):
        unseal("waybill.sealed", b"SF1", blob[:length])


def test_an_old_key_still_opens_and_the_new_one_seals(change: Any) -> None:
    old, new = b"o" * 32, b"n" * 32
    change("SEAL", keys=(old,))
    blob = seal("waybill.sealed", b"SF1", DOCUMENT)
    change("SEAL", keys=(new, old))
    newer = seal("waybill.sealed", b"SF1", DOCUMENT)

    assert unseal("waybill.sealed", b"SF1", blob) == list(DOCUMENT)
    change("SEAL", keys=(new,))
    assert unseal("waybill.sealed", b"SF1", newer) == list(DOCUMENT)
    with pytest.raises(SealBroken, match="no key"):
        unseal("waybill.sealed", b"SF1", blob)


def test_a_blind_index_depends_on_the_phone_and_on_its_key(change: Any) -> None:
    first = blind_index("13800138000")

    assert len(first) == 32
    assert first == blind_index("13800138000")
    assert first != blind_index("13800138001")
    change("SEAL", index_key=b"x" * 32)
    assert first != blind_index("13800138000")


def test_a_digest_depends_on_each_field_and_its_kind() -> None:
    assert content_digest("path", ["ab", "c"]) != content_digest("path", ["a", "bc"])
    assert content_digest("path", ["a"]) != content_digest("waybill", ["a"])


@given(st.lists(st.text() | st.integers(-(2**53), 2**53)))
def test_any_document_survives(fields: list[Any]) -> None:
    assert unseal("t.c", b"k", seal("t.c", b"k", [1, *fields])) == [1, *fields]


def test_no_nonce_of_a_batch_comes_twice_however_many_it_seals() -> None:
    sealer = Sealer(3)

    blobs = [sealer.seal("path.sealed", b"key", [1, number]) for number in range(10)]

    assert len({blob[:16] for blob in blobs}) == 10
    assert [unseal("path.sealed", b"key", blob) for blob in blobs] == [[1, number] for number in range(10)]
