"""One waybill whose data cannot be read never holds up the others of its batch."""

from typing import Any

import pytest

from tests.wechat.farside import FarSide
from tests.wechat.test_sender import Drain, attempts, make_due, post
from waybills.models import Lane, Path, Push
from waybills.sealing import seal


def _as_nobody_seals(path: Path) -> bytes:
    """Return a document that opens and has none of a path's fields."""
    return seal("path.sealed", bytes(path.digest), (1, {"text": "?"}, *["?"] * 9))


POISON = {"does not open": (lambda path: b"k" * 60, "unreadable"), "of another shape": (_as_nobody_seals, "retrying")}


@pytest.fixture(params=POISON.values(), ids=POISON)
def poisoned(request: Any, far: FarSide) -> str:
    """Post a poisoned waybill and two sound ones; return the reason for which the poisoned one waits."""
    broken, reason = request.param
    for number in range(3):
        post(f"SF{number}")
    path = Path.objects.get(waybill__no="SF1")
    Path.objects.filter(pk=path.pk).update(sealed=broken(path))
    return str(reason)


def stand() -> dict[str, tuple[str, str]]:
    return {push.waybill.no: (push.state, push.reason) for push in Push.objects.select_related("waybill")}


def test_it_waits_for_its_data_while_the_others_are_sent(far: FarSide, drain: Drain, poisoned: str) -> None:
    drain()

    assert stand() == {"SF0": ("sent", ""), "SF1": ("pending", poisoned), "SF2": ("sent", "")}
    assert not Lane.objects.filter(leased=True).exists()
    assert {outcome for _, outcome, _, _ in attempts()} == {"ok"}


def test_with_a_phone_that_is_known_it_costs_no_call_either(far: FarSide, drain: Drain, poisoned: str) -> None:
    drain()
    asked = len(far.asked)
    make_due()

    drain()

    assert stand()["SF1"] == ("pending", poisoned)
    assert len(far.asked) == asked
    assert not Lane.objects.filter(leased=True).exists()
