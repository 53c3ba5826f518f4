"""What the desk is told of a code."""

import pytest

from wechat.error_codes import explanation_of


@pytest.mark.parametrize("code", [-1, 40001, 42001, 45011])
def test_what_is_tried_again_by_itself_asks_nothing_of_staff(code: int) -> None:
    assert explanation_of(code).is_left_alone


@pytest.mark.parametrize("code", [40097, 40164, 45009, 150004, 932001, 932002, 123456])
def test_what_a_person_has_to_mend_is_not_left_alone(code: int) -> None:
    assert not explanation_of(code).is_left_alone
