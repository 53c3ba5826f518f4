"""Pushes that end when they are claimed: WeChat is not asked."""

from datetime import datetime, timedelta
from random import Random

import pytest
from django.utils import timezone

from tests.delivery.load import number, post
from tests.factories import make_path, make_user, make_waybill, settle
from tests.waybills.conftest import NOW, path_item
from waybills import lanes
from waybills.documents import Contact
from waybills.ingest import ingest
from waybills.models import Lane, Push, PushAttempt, PushState
from waybills.services import resend_push
from wechat.decisions import decide

pytestmark = pytest.mark.django_db


def claim_and_end(now: datetime = NOW) -> list[tuple[str, str]]:
    """Claim a lane; return how its pushes stand, now that nothing is left in line."""
    claimed = lanes.claim(limit=10, now=now, decide=lambda heads: decide(heads, now=now, rng=Random(1)))
    assert (claimed.attempts, claimed.lanes) == ([], 1)
    assert not PushAttempt.objects.exists()
    lane = Lane.objects.get()
    assert (lane.wake_at, lane.leased) == (None, False)
    return list(Push.objects.order_by("action_time").values_list("state", "reason"))


def test_what_is_claimed_after_its_deadline_and_before_the_sweep_expires() -> None:
    post([1], now=NOW)

    assert claim_and_end(NOW + timedelta(hours=6)) == [("expired", "past_deadline")]


def test_what_a_person_resends_to_a_phone_that_is_no_mobile_is_skipped_again() -> None:
    make_path(make_waybill(receiver=Contact(name="李四", phone="057188886666")))
    push = Push.objects.get()
    assert (push.state, push.reason) == ("skipped", "phone_not_mobile")
    resend_push(push=push, actor=make_user(), reason="again")

    assert claim_and_end(timezone.now()) == [("skipped", "phone_not_mobile")]


def test_an_event_that_comes_after_a_newer_one_was_sent_expires_as_overtaken() -> None:
    post([1], 300002, now=NOW)
    Lane.objects.update(sent_through=Push.objects.get().action_time)
    settle(Push.objects.all(), PushState.SENT, at=NOW)
    ingest([], [path_item(number(1), minutes_ago=30)], now=NOW)

    assert claim_and_end() == [("expired", "overtaken"), ("sent", "")]
