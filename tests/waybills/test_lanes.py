"""The queue: order, lease and fence, on whichever database the suite runs."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.waybills.conftest import path_item, waybill_item
from waybills import lanes
from waybills.ingest import ingest
from waybills.lanes import Attempt, Begin, Head, Move, Result, Seen
from waybills.models import Call, Lane, Outcome, Push, PushAttempt, PushReason, PushState

pytestmark = pytest.mark.django_db


def notify(heads: Sequence[Head]) -> list[Begin]:
    return [Begin(head, Call.PATHNOTIFY, "{}") for head in heads]


def claim(now: datetime) -> list[Attempt]:
    return lanes.claim(limit=200, now=now, decide=notify).attempts


def sent(attempt: Attempt, now: datetime) -> Result:
    return Result(Seen(attempt, now, Outcome.OK, errcode=0, exist=1), Move(PushState.SENT), has_reached=True)


def failed(attempt: Attempt, now: datetime, wait: timedelta) -> Result:
    move = Move(PushState.PENDING, PushReason.RETRYING, not_before=now + wait, tries=1)
    return Result(Seen(attempt, now, Outcome.FAILED, errcode=932001), move)


def states() -> dict[int, tuple[str, str]]:
    return {push.action_time: (push.state, push.reason) for push in Push.objects.all()}


def test_the_earliest_push_of_each_waybill_is_claimed_and_no_other(now: datetime) -> None:
    ingest(
        [waybill_item("A"), waybill_item("B")],
        [path_item("A", 2), path_item("A", 1), path_item("B", 3)],
        now=now,
    )

    attempts = claim(now)

    assert sorted((one.head.no, one.head.action_time) for one in attempts) == [
        ("A", int(now.timestamp()) - 120),
        ("B", int(now.timestamp()) - 180),
    ]
    assert claim(now) == []
    assert PushAttempt.objects.open().count() == 2


def test_a_settled_lane_offers_its_next_push_at_once(now: datetime) -> None:
    ingest([waybill_item()], [path_item(minutes_ago=2), path_item(minutes_ago=1)], now=now)
    (first,) = claim(now)

    lanes.settle([sent(first, now)], now=now)
    (second,) = claim(now)

    assert second.head.action_time > first.head.action_time
    lane = Lane.objects.get()
    assert (lane.leased, lane.fence, lane.sent_through) == (True, 2, first.head.action_time)


def test_a_lane_with_nothing_left_sleeps(now: datetime) -> None:
    ingest([waybill_item()], [path_item()], now=now)

    lanes.settle([sent(claim(now)[0], now)], now=now)

    lane = Lane.objects.get()
    assert (lane.wake_at, lane.leased) == (None, False)
    assert states() == {int(now.timestamp()): ("sent", "")}


def test_a_failed_push_is_due_after_its_wait(now: datetime) -> None:
    ingest([waybill_item()], [path_item()], now=now)

    lanes.settle([failed(claim(now)[0], now, timedelta(seconds=30))], now=now)

    assert claim(now + timedelta(seconds=29)) == []
    (again,) = claim(now + timedelta(seconds=30))
    assert again.head.tries == 1


def test_a_claim_that_is_never_settled_falls_due_again_in_doubt(now: datetime) -> None:
    ingest([waybill_item()], [path_item()], now=now)
    claim(now)

    later = now + timedelta(seconds=121)
    (again,) = claim(later)

    assert again.head.in_doubt_since == now
    assert again.head.tries == 1
    closed = PushAttempt.objects.exclude(outcome=Outcome.OPEN).get()
    assert (closed.outcome, closed.ended_at) == (Outcome.UNKNOWN, later)
    assert Lane.objects.get().sent_through == again.head.action_time


def test_a_userquery_of_a_dead_worker_leaves_no_doubt(now: datetime) -> None:
    ingest([waybill_item()], [path_item()], now=now)
    lanes.claim(limit=1, now=now, decide=lambda heads: [Begin(head, Call.USERQUERY, "{}") for head in heads])

    (again,) = claim(now + timedelta(seconds=121))

    assert again.head.in_doubt_since is None
    assert PushAttempt.objects.get(call=Call.USERQUERY).outcome == Outcome.FAILED


def test_a_late_result_closes_its_attempt_and_moves_nothing(now: datetime) -> None:
    ingest([waybill_item()], [path_item()], now=now)
    (paused,) = claim(now)
    later = now + timedelta(seconds=121)
    (taken_over,) = claim(later)

    begun = lanes.settle([sent(paused, later)], now=later)

    assert begun == []
    assert states() == {paused.head.action_time: ("pending", "in_doubt")}
    # The attempt was closed as unknown when the lease was taken over, and an attempt is closed once.
    assert PushAttempt.objects.get(pk=paused.id).outcome == Outcome.UNKNOWN
    lanes.settle([sent(taken_over, later)], now=later)
    assert Push.objects.get().state == PushState.SENT


def test_a_next_call_begins_only_while_the_fence_holds(now: datetime) -> None:
    ingest([waybill_item()], [path_item()], now=now)
    (asked,) = lanes.claim(
        limit=1, now=now, decide=lambda heads: [Begin(head, Call.USERQUERY, "{}") for head in heads]
    ).attempts
    result = Result(Seen(asked, now, Outcome.OK, errcode=0, exist=1), Begin(asked.head, Call.PATHNOTIFY, "{}"))

    (begun,) = lanes.settle([result], now=now)

    assert begun.call == Call.PATHNOTIFY
    assert Lane.objects.get().leased


def test_a_message_overtakes_an_earlier_event_that_keeps_failing(now: datetime, change: Any) -> None:
    change("PUSH", order_wait=timedelta(seconds=60))
    ingest([waybill_item()], [path_item(minutes_ago=5), path_item(minutes_ago=1, action_type=300002)], now=now)
    lanes.settle([failed(claim(now)[0], now, timedelta(minutes=30))], now=now)

    assert Lane.objects.get().wake_at == now + timedelta(seconds=60)
    assert claim(now + timedelta(seconds=59)) == []
    (message,) = claim(now + timedelta(seconds=60))

    assert message.head.action_type == 300002
    assert states()[int(now.timestamp()) - 300] == ("expired", "overtaken")


def test_a_trail_update_waits_for_an_earlier_one_as_long_as_it_takes(now: datetime) -> None:
    ingest([waybill_item()], [path_item(minutes_ago=5), path_item(minutes_ago=1)], now=now)
    lanes.settle([failed(claim(now)[0], now, timedelta(minutes=30))], now=now)

    assert claim(now + timedelta(minutes=29)) == []
    (again,) = claim(now + timedelta(minutes=30))
    assert again.head.action_time == int(now.timestamp()) - 300


def test_an_event_older_than_what_was_sent_expires_as_overtaken(now: datetime) -> None:
    ingest([waybill_item()], [path_item(minutes_ago=1)], now=now)
    lanes.settle([sent(claim(now)[0], now)], now=now)

    ingest([], [path_item(minutes_ago=5)], now=now)

    assert claim(now) == []
    assert states()[int(now.timestamp()) - 300] == ("expired", "overtaken")
    assert Lane.objects.get().wake_at is None


def test_what_passes_its_deadline_while_waiting_expires(now: datetime) -> None:
    ingest([waybill_item()], [path_item()], now=now)
    lanes.settle([failed(claim(now)[0], now, timedelta(days=3))], now=now)

    assert lanes.expire(now=now + timedelta(hours=24)) == 1

    assert states() == {int(now.timestamp()): ("expired", "past_deadline")}
    assert Lane.objects.get().wake_at is None


def test_a_push_that_is_being_sent_does_not_expire(now: datetime) -> None:
    ingest([waybill_item()], [path_item(minutes_ago=24 * 60 - 1)], now=now)
    claim(now)

    assert lanes.expire(now=now + timedelta(seconds=90)) == 0


def test_a_lane_that_sleeps_with_work_is_woken(now: datetime) -> None:
    ingest([waybill_item()], [path_item()], now=now)
    Lane.objects.update(wake_at=None)

    assert lanes.wake_sleepers() == 1
    assert Lane.objects.get().wake_at == now


def test_a_decision_without_a_call_settles_and_frees_the_lane(now: datetime) -> None:
    ingest([waybill_item()], [path_item()], now=now)

    claimed = lanes.claim(
        limit=1,
        now=now,
        decide=lambda heads: [lanes.Settle(head, Move(PushState.SKIPPED, PushReason.PHONE_EXCLUDED)) for head in heads],
    )

    assert claimed == lanes.Claimed([], 1)
    assert states() == {int(now.timestamp()): ("skipped", "phone_excluded")}
    assert not Lane.objects.get().leased


def test_of_types_that_coalesce_only_the_newest_due_push_is_sent(now: datetime, change: Any) -> None:
    change("PUSH", coalesce=frozenset({200001}))
    ingest([waybill_item()], [path_item(minutes_ago=m) for m in (9, 8, 7)], now=now)
    ingest([], [path_item(minutes_ago=10, action_type=100001)], now=now)

    (picked_up,) = claim(now)
    lanes.settle([sent(picked_up, now)], now=now)
    (newest,) = claim(now)

    began = int(now.timestamp())
    assert picked_up.head.action_type == 100001
    assert newest.head.action_time == began - 7 * 60
    assert states()[began - 9 * 60] == states()[began - 8 * 60] == ("expired", "overtaken")


def test_messages_go_before_trail_updates_that_have_waited_longer(now: datetime) -> None:
    ingest([waybill_item("A"), waybill_item("B")], [path_item("A"), path_item("B")], now=now - timedelta(minutes=5))
    ingest([waybill_item("C")], [path_item("C", action_type=300003)], now=now)

    first = lanes.claim(limit=1, now=now, decide=notify).attempts
    rest = lanes.claim(limit=5, now=now, decide=notify).attempts

    assert [one.head.no for one in first] == ["C"]
    assert {one.head.no for one in rest} == {"A", "B"}


def test_a_lane_whose_message_was_sent_is_urgent_no_more(now: datetime) -> None:
    ingest([waybill_item()], [path_item(minutes_ago=1, action_type=300002), path_item()], now=now)
    urgent_before = Lane.objects.get().is_urgent

    lanes.settle([sent(claim(now)[0], now)], now=now)

    assert (urgent_before, Lane.objects.get().is_urgent) == (True, False)


def test_a_lane_that_is_due_is_left_as_it_is_by_another_event(now: datetime) -> None:
    ingest([waybill_item()], [path_item(minutes_ago=2)], now=now)

    ingest([], [path_item(minutes_ago=5), path_item(minutes_ago=1)], now=now + timedelta(seconds=3))

    lane = Lane.objects.get()
    assert (lane.wake_at, lane.is_urgent) == (now, False)


def test_a_lane_that_is_due_becomes_urgent_by_a_message(now: datetime) -> None:
    ingest([waybill_item()], [path_item(minutes_ago=2)], now=now)

    ingest([], [path_item(minutes_ago=1, action_type=300003)], now=now + timedelta(seconds=3))

    lane = Lane.objects.get()
    assert (lane.wake_at, lane.is_urgent) == (now, True)


def test_a_new_lane_is_urgent_where_a_message_is_among_its_pushes(now: datetime) -> None:
    ingest(
        [waybill_item("A"), waybill_item("B")],
        [path_item("A", 2), path_item("A", 1, action_type=300003), path_item("B", 1), path_item("C", 1)],
        now=now,
    )

    lanes_by_no = {lane.waybill.no: (lane.wake_at, lane.is_urgent) for lane in Lane.objects.select_related("waybill")}
    assert lanes_by_no == {"A": (now, True), "B": (now, False), "C": (None, False)}


def test_a_stub_s_message_makes_its_lane_urgent_when_the_waybill_comes_with_another_event(now: datetime) -> None:
    ingest([], [path_item(minutes_ago=2, action_type=300002)], now=now)

    ingest([waybill_item()], [path_item(minutes_ago=1)], now=now + timedelta(seconds=3))

    lane = Lane.objects.get()
    assert (lane.wake_at, lane.is_urgent) == (now, True)


def test_a_lane_whose_head_backs_off_is_woken_by_an_earlier_event(now: datetime) -> None:
    ingest([waybill_item()], [path_item(minutes_ago=2)], now=now)
    (first,) = claim(now)
    lanes.settle([failed(first, now, timedelta(minutes=1))], now=now)
    assert Lane.objects.get().wake_at == now + timedelta(minutes=1)

    ingest([], [path_item(minutes_ago=5)], now=now + timedelta(seconds=3))

    assert Lane.objects.get().wake_at == now + timedelta(seconds=3)


def test_a_lane_whose_head_backs_off_sleeps_on_for_a_later_event(now: datetime) -> None:
    ingest([waybill_item()], [path_item(minutes_ago=2)], now=now)
    (first,) = claim(now)
    lanes.settle([failed(first, now, timedelta(minutes=1))], now=now)

    ingest([], [path_item(minutes_ago=1)], now=now + timedelta(seconds=3))

    assert Lane.objects.get().wake_at == now + timedelta(minutes=1)
