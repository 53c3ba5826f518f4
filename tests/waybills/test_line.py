"""The count of tries in a row whose token was refused after its renewal."""

from datetime import timedelta

import pytest
from django.utils import timezone

from waybills import line
from waybills.models import Line

pytestmark = pytest.mark.django_db


def stored() -> int:
    return Line.objects.get().token_refusals


def test_refusals_of_batch_after_batch_add_up() -> None:
    assert line.count_token_refusals(1, accepted=False) == 1
    assert line.count_token_refusals(2, accepted=False) == 3
    assert stored() == 3


def test_an_accepted_call_begins_the_row_anew() -> None:
    line.count_token_refusals(2, accepted=False)

    assert line.count_token_refusals(1, accepted=True) == 1
    assert stored() == 1
    assert line.count_token_refusals(1, accepted=True) == 1
    assert stored() == 1
    assert line.count_token_refusals(0, accepted=True) == 0
    assert stored() == 0


def test_a_line_that_a_person_stopped_is_neither_renamed_nor_resumed_by_a_code() -> None:
    now = timezone.now()
    line.current_line()
    Line.objects.update(state=Line.State.STOPPED, reason="typhoon", since=now)

    assert not line.stop_by_code(code=40164, reason="ip", remedy="white list", probe_at=now, now=now)
    assert not line.resume_by_probe(now=now)

    assert line.line_status().reason == "typhoon"
    assert line.line_status().code is None


def test_of_many_that_look_one_probes_a_stopped_line() -> None:
    now, lease = timezone.now(), timedelta(minutes=2)
    line.stop_by_code(code=40164, reason="ip", remedy="", probe_at=now, now=now)

    assert [line.allowance(50, now=now, probe_for=lease) for _ in range(3)] == [1, 0, 0]
    assert line.allowance(50, now=now + lease, probe_for=lease) == 1
