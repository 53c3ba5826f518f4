"""The demo's feed: the next event, and what becomes of it while the portal is away."""

from dataclasses import replace
from random import Random

from portal.demo.feed import AT_ONCE, PATHS, WAYBILLS, Feed
from portal.demo.shipments import plan

NOW = 1_790_000_000


def feed_of(count: int) -> Feed:
    unfinished = [replace(shipment, done=1) for shipment in plan() if len(shipment.steps) > 3][:count]
    return Feed(unfinished, Random(3))


def test_an_event_that_was_not_delivered_comes_again_unchanged() -> None:
    feed = feed_of(AT_ONCE)

    first, again = feed.next_event(NOW), feed.next_event(NOW + 60)

    assert again == first


def test_a_shipment_s_events_come_in_order_until_its_last() -> None:
    feed = feed_of(AT_ONCE)
    seen: dict[str, list[str]] = {}

    for second in range(400):
        address, body = feed.next_event(NOW + second)
        if address == PATHS:
            seen.setdefault(body["waybill_id"], []).append(body["action_msg"])
        feed.delivered()

    started = [shipment for shipment in plan() if shipment.no in seen]
    assert len(started) >= AT_ONCE
    for shipment in started:
        expected = [step.document.action_msg for step in shipment.steps[1:]]
        assert seen[shipment.no] == expected[: len(seen[shipment.no])]


def test_new_waybills_come_with_their_first_event() -> None:
    address, body = feed_of(0).next_event(NOW)

    assert address == WAYBILLS
    assert body["waybill_id"] == f"YS{NOW}"
    assert body["create_time"] == NOW
    assert body["receiver"]["phone"]
    assert [path["action_type"] for path in body["paths"]] == [90001]


def test_an_empty_field_is_left_out() -> None:
    _, body = feed_of(0).next_event(NOW)

    assert "pickup_courier_name" not in body["paths"][0]
    assert "id" not in body["receiver"]
