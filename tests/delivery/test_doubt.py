"""When a push in doubt is judged, however it fell due."""

from datetime import datetime, timedelta
from random import Random

import pytest

from tests.delivery.load import number, post
from tests.waybills.conftest import NOW
from waybills import lanes
from waybills.lanes import Claimed
from waybills.models import Call, Push
from wechat.decisions import decide
from wechat.models import Callback

pytestmark = pytest.mark.django_db


def claim(now: datetime) -> Claimed:
    return lanes.claim(limit=10, now=now, decide=lambda heads: decide(heads, now=now, rng=Random(1)))


def ask_back(at: datetime) -> None:
    Callback.objects.create(
        received_at=at,
        duration_us=1,
        event="waybill_notify_query",
        waybill_no=number(1),
        outcome="answered",
        result_code=0,
    )


@pytest.fixture
def died_at_once(change: object) -> datetime:
    """Return when a pathnotify was begun whose worker died; its lease is over 5 seconds later."""
    assert callable(change)
    change("PUSH", lease=timedelta(seconds=5), send_unbound=True)
    post([1], now=NOW)
    lanes.claim(limit=1, now=NOW, decide=lambda heads: [lanes.Begin(head, Call.PATHNOTIFY, "{}") for head in heads])
    return NOW


def test_a_dead_workers_push_is_judged_20_seconds_after_its_attempt_and_not_with_its_lease(
    died_at_once: datetime,
) -> None:
    early = claim(died_at_once + timedelta(seconds=6))

    push = Push.objects.get()
    assert early.attempts == []
    assert (push.state, push.reason, push.in_doubt_since) == ("pending", "in_doubt", died_at_once)
    assert push.not_before == died_at_once + timedelta(seconds=20)


def test_a_proof_that_comes_after_the_lease_still_counts(died_at_once: datetime) -> None:
    claim(died_at_once + timedelta(seconds=6))
    ask_back(died_at_once + timedelta(seconds=14))

    claim(died_at_once + timedelta(seconds=21))

    assert Push.objects.get().state == "unknown"


def test_without_a_proof_it_is_sent_again(died_at_once: datetime) -> None:
    claim(died_at_once + timedelta(seconds=6))

    (again,) = claim(died_at_once + timedelta(seconds=40)).attempts

    assert again.head.in_doubt_since == died_at_once


def test_a_doubt_is_judged_once_and_a_back_query_after_that_proves_nothing(died_at_once: datetime) -> None:
    """WeChat repeats a back-query for 15 seconds: one that comes after the judgement belongs to something else.

    Judged without proof, the push is an ordinary retry: no doubt is left that a later back-query could decide.
    """
    claim(died_at_once + timedelta(seconds=6))
    Push.objects.update(tries=8)
    claim(died_at_once + timedelta(seconds=21))
    judged = Push.objects.get()
    assert (judged.state, judged.reason, judged.in_doubt_since) == ("pending", "retrying", None)
    assert judged.not_before is not None
    ask_back(died_at_once + timedelta(seconds=30))

    (again,) = claim(judged.not_before + timedelta(seconds=1)).attempts

    assert again.head.in_doubt_since is None


def test_a_message_that_is_overtaken_in_doubt_is_unknown_and_not_expired(change: object) -> None:
    assert callable(change)
    change("PUSH", lease=timedelta(seconds=5), order_wait=timedelta(seconds=5), send_unbound=True)
    post([1], 300002, 300003, now=NOW)
    lanes.claim(limit=1, now=NOW, decide=lambda heads: [lanes.Begin(head, Call.PATHNOTIFY, "{}") for head in heads])

    (newer,) = claim(NOW + timedelta(seconds=6)).attempts

    older = Push.objects.get(action_type=300002)
    assert newer.head.action_type == 300003
    assert (older.state, older.reason, older.notified, older.in_doubt_since) == ("unknown", "answer_lost", None, None)
