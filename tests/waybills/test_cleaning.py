"""Cleaning: the short cut for common texts gives what the long way gives."""

import re
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from waybills.cleaning import clean_text, normalise_phone

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXTS)
def test_a_text_is_cleaned_the_same_with_and_without_the_short_cut(text: str) -> None:
    assert clean_text(text) == re.sub(r"[\x00-\x08\x0a-\x1f\ufffe\uffff]+", " ", text).strip()


@given(TEXTS)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert clean_text(clean_text(text)) == clean_text(text)


@given(st.text("0123456789０１８６ +-\u200b‐", max_size=40))
def test_a_phone_is_normalised_the_same_with_and_without_the_short_cut(text: str) -> None:
    digits = unicodedata.normalize("NFKC", clean_text(text))

    # A leading space keeps a phone off the short cut.
    assert normalise_phone(text) == normalise_phone(f" {text}")
    assert normalise_phone(digits) == normalise_phone(text)
