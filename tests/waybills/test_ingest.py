"""The bulk path in, on whichever database the suite runs."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.waybills.conftest import RECEIVER, path_item, waybill_item
from waybills.ingest import Report, ingest
from waybills.models import Lane, Path, Push, Waybill
from waybills.trail import read_trail

pytestmark = pytest.mark.django_db


def test_a_waybill_with_its_paths_is_stored_once_however_often_it_comes(now: datetime) -> None:
    waybill, paths = waybill_item(), [path_item(minutes_ago=5), path_item(minutes_ago=1, action_type=300002)]

    first = ingest([waybill], paths, now=now)
    second = ingest([waybill, waybill], paths + paths, now=now)

    assert first == Report(waybills_created=1, paths_created=2)
    assert second == Report(waybills_unchanged=2, paths_duplicate=4)
    assert (Waybill.objects.count(), Path.objects.count(), Push.objects.count()) == (1, 2, 2)


def test_a_changed_waybill_is_updated(now: datetime) -> None:
    ingest([waybill_item()], [], now=now)

    report = ingest([waybill_item(receiver=replace(RECEIVER, city="厦门市"))], [], now=now)

    assert report == Report(waybills_updated=1)
    assert Waybill.objects.get().receiver_city == "厦门市"


def test_a_path_before_its_waybill_waits_and_is_due_when_it_comes(now: datetime) -> None:
    waiting = ingest([], [path_item()], now=now)
    asleep = Lane.objects.get().wake_at

    report = ingest([waybill_item()], [], now=now)

    assert waiting == Report(paths_waiting=1)
    assert asleep is None
    assert report == Report(waybills_created=1)
    assert Lane.objects.get().wake_at == now
    assert Waybill.objects.get().posted_at == now


def test_a_path_that_waited_is_skipped_when_its_waybill_has_no_mobile(now: datetime) -> None:
    ingest([], [path_item()], now=now)

    ingest([waybill_item(receiver=replace(RECEIVER, phone="057188886666"))], [], now=now)

    push = Push.objects.get()
    assert (push.state, push.reason, push.settled_at) == ("skipped", "phone_not_mobile", now)
    assert Lane.objects.get().wake_at is None


def test_paths_of_a_landline_are_skipped_from_the_start(now: datetime) -> None:
    ingest([waybill_item(receiver=replace(RECEIVER, phone="057188886666"))], [path_item()], now=now)

    assert Push.objects.get().state == "skipped"


def test_an_event_past_its_deadline_is_stored_and_its_push_expired(now: datetime) -> None:
    ingest([waybill_item()], [path_item(minutes_ago=60 * 24 + 1)], now=now)

    push = Push.objects.get()
    assert (push.state, push.reason) == ("expired", "past_deadline")


def test_a_type_that_is_not_pushed_is_skipped(now: datetime, change: Any) -> None:
    change("PUSH", action_types=frozenset({300002}))

    ingest([waybill_item()], [path_item(), path_item(action_type=300002)], now=now)

    assert dict(Push.objects.values_list("action_type", "state")) == {200001: "skipped", 300002: "pending"}


def test_a_pending_push_knows_when_it_is_due_and_until_when(now: datetime) -> None:
    ingest([waybill_item()], [path_item(minutes_ago=10, action_type=300002)], now=now)

    push = Push.objects.get()
    assert push.not_before == now
    assert push.deadline_at == now - timedelta(minutes=10) + timedelta(hours=6)


def test_a_later_event_does_not_postpone_an_earlier_wake(now: datetime) -> None:
    ingest([waybill_item()], [path_item(minutes_ago=5)], now=now)

    ingest([], [path_item()], now=now + timedelta(seconds=5))

    assert Lane.objects.get().wake_at == now


def test_of_a_batch_with_many_numbers_everything_finds_its_waybill(now: datetime) -> None:
    waybills = [waybill_item(f"SF{n}") for n in range(300)]
    paths = [path_item(f"SF{n}", minutes_ago=m) for n in range(0, 400, 2) for m in range(2)]

    report = ingest(waybills, paths, now=now)

    assert report == Report(waybills_created=300, paths_created=300, paths_waiting=100)
    for path in Path.objects.select_related("waybill", "push"):
        assert path.push.waybill_id == path.waybill_id


def test_events_of_the_same_second_keep_their_order_of_arrival(now: datetime) -> None:
    texts = [f"第 {n} 件事" for n in range(20)]

    ingest([waybill_item()], [path_item(text=text) for text in texts], now=now)

    trail = read_trail("SF1")
    assert trail is not None
    assert [node.document.action_msg for node in trail.nodes()] == texts[::-1]
