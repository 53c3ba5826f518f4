"""The feed of settled pushes: everything once, in the order of the commits, for as long as somebody reads."""

import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction

from tests.factories import make_user, settle
from tests.waybills.api.conftest import MOMENT, Api, event, waybill
from waybills.models import Push
from waybills.services import resend_push

# Not inside a transaction: what has not been committed is no part of a feed.
pytestmark = pytest.mark.django_db(transaction=True)

SINCE = int(time.time()) - 60
BEGINNING = f"pushes/?settled_since={SINCE}"


def post_paths(api: Api, count: int, no: str = "SF1") -> list[int]:
    api.post("waybills/", waybill(no, paths=[event(action_msg=f"{number}") for number in range(count)]))
    return list(Push.objects.filter(waybill__no=no).order_by("pk").values_list("pk", flat=True))


def end(ids: list[int], state: str = "sent", at: datetime | None = None) -> None:
    settle(Push.objects.filter(pk__in=ids), state, at=at)


def read(api: Api, address: str) -> tuple[list[dict[str, Any]], str]:
    """Return what a page holds, and the address of the next."""
    answer = api.get(address).json()
    assert answer["previous"] is None
    return answer["results"], answer["next"].removeprefix("http://testserver/api/v1/")


def read_on(api: Api, address: str) -> tuple[list[int], str]:
    """Return the ids of all pages up to the first empty one, and the address from which it goes on later."""
    ids: list[int] = []
    while True:
        results, address = read(api, address)
        if not results:
            return ids, address
        ids += [push["id"] for push in results]


def test_what_settled_comes_once_in_the_order_of_the_commits_whatever_the_clocks_said(api: Api) -> None:
    ids = post_paths(api, 250)
    now = datetime.now(UTC)
    end(ids[200:], at=now)
    end(ids[:150], at=now - timedelta(seconds=9))

    seen, following = read_on(api, BEGINNING)
    end(ids[150:200])
    later, last = read_on(api, following)

    assert seen == ids[200:] + ids[:150]
    assert later == ids[150:200]
    assert read(api, last) == ([], last)


def test_a_page_holds_a_hundred(api: Api) -> None:
    end(post_paths(api, 101))

    first, following = read(api, BEGINNING)
    second, _ = read(api, following)

    assert (len(first), len(second)) == (100, 1)


def test_a_feed_begins_at_its_moment(api: Api) -> None:
    ids = post_paths(api, 4)
    moment = datetime.fromtimestamp(SINCE, UTC)
    end(ids[:1], at=moment - timedelta(days=2))
    end(ids[1:2], at=moment - timedelta(microseconds=1))
    end(ids[2:3], at=moment)

    assert read_on(api, BEGINNING)[0] == ids[2:3]
    assert read_on(api, f"pushes/?settled_since={SINCE - 3 * 86400}")[0] == ids[:3]
    assert read_on(api, "pushes/?settled_since=0")[0] == ids[:3]


def test_an_empty_feed_has_a_next_page_all_the_same(api: Api) -> None:
    ids = post_paths(api, 1)
    nothing, following = read_on(api, BEGINNING)
    end(ids)

    assert (nothing, read_on(api, following)[0]) == ([], ids)


def test_a_push_that_goes_again_comes_again_when_it_settles_again(api: Api) -> None:
    ids = post_paths(api, 2)
    end(ids, "failed")
    first, following = read_on(api, BEGINNING)
    resend_push(push=Push.objects.get(pk=ids[1]), actor=make_user())
    meanwhile, following = read_on(api, following)
    end(ids[1:])

    results, following = read(api, following)

    assert (first, meanwhile) == (ids, [])
    assert [(push["id"], push["state"]) for push in results] == [(ids[1], "sent")]
    assert read(api, following)[0] == []


def test_what_ends_without_a_call_comes_as_well(api: Api) -> None:
    landline = {"name": "李四", "phone": "057188886666"}
    api.post("waybills/", [waybill("SF1", paths=[event()]), waybill("SF2", receiver=landline, paths=[event()])])
    api.post("waybills/", waybill("SF3", paths=[event(action_time=SINCE - 7 * 86400)]))
    api.post("paths/void/", {"waybill_id": "SF1", "action_time": MOMENT, "action_type": 200001, "reason": "误扫"})

    results, _ = read(api, BEGINNING)

    assert [(push["waybill_id"], push["state"], push["reason"], push["notified"]) for push in results] == [
        ("SF2", "skipped", "phone_not_mobile", False),
        ("SF3", "expired", "past_deadline", False),
        ("SF1", "cancelled", "path_voided", False),
    ]


def test_the_number_of_a_push_that_goes_again_is_given_to_no_other(api: Api) -> None:
    ids = post_paths(api, 2)
    end(ids[1:], "failed")
    _, following = read_on(api, BEGINNING)
    resend_push(push=Push.objects.get(pk=ids[1]), actor=make_user())

    end(ids[:1])

    assert read_on(api, following)[0] == ids[:1]


def test_a_feed_is_filtered_and_passes_what_it_leaves_out_once(api: Api) -> None:
    failed, sent = post_paths(api, 2), post_paths(api, 3, "SF2")
    end(failed, "failed")
    end(sent)

    seen, following = read_on(api, f"{BEGINNING}&state=failed")
    unfiltered = read_on(api, f"{BEGINNING}&waybill_id=SF2")[0]

    assert (seen, unfiltered) == (failed, sent)
    assert "state=failed" in following
    assert read_on(api, following.replace("state=failed", "state=sent"))[0] == []


@pytest.mark.parametrize("cursor", ["WzAsOTAwMDAwMDAwMDAwLDBd", "WzEsMCwwXQ", "WzAsMF0"])
def test_a_cursor_beyond_what_is_stored_or_of_another_list_is_refused(api: Api, cursor: str) -> None:
    response = api.get(f"{BEGINNING}&cursor={cursor}")

    assert (response.status_code, response.json()["code"]) == (400, "bad_cursor")


def test_a_cursor_of_the_feed_is_none_of_the_list(api: Api) -> None:
    _, following = read(api, BEGINNING)

    assert api.get(following.replace("settled_since", "since")).json()["code"] == "bad_cursor"


@pytest.mark.parametrize("fields", [{"settled_in": None}, {"settled_at": None}])
def test_no_push_settles_without_its_number(api: Api, fields: dict[str, None]) -> None:
    (push_id,) = post_paths(api, 1)
    end([push_id])

    with pytest.raises(IntegrityError, match="push_settled"):
        Push.objects.filter(pk=push_id).update(**fields)


def test_a_pending_push_has_no_number(api: Api) -> None:
    post_paths(api, 1)

    with pytest.raises(IntegrityError, match="push_settled_in_when_settled"):
        Push.objects.update(settled_in=5)


class _TakenBack(Exception):
    """Rolls a transaction back."""


class Writer(threading.Thread):
    """Settles pushes in transactions that take their time: a third is rolled back, some pushes settle once more."""

    def __init__(self, ids: list[int], actor: User, seed: int) -> None:
        super().__init__()
        self._ids = ids
        self._actor = actor
        self._dice = Random(seed)
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            while self._ids:
                self._settle_some()
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.error = error
        finally:
            connection.close()

    def _settle_some(self) -> None:
        batch = self._ids[: self._dice.randint(1, 4)]
        try:
            with transaction.atomic():
                end(batch, self._dice.choice(["sent", "failed"]))
                time.sleep(self._dice.uniform(0, 0.03))
                if self._dice.random() < 1 / 3:
                    raise _TakenBack
        except _TakenBack:
            return
        del self._ids[: len(batch)]
        failed = Push.objects.filter(pk__in=batch, state="failed", by_hand=False).first()
        if failed is not None and self._dice.random() < 1 / 4:
            resend_push(push=failed, actor=self._actor)
            self._ids.append(failed.pk)


def test_a_reader_among_four_writers_loses_and_repeats_nothing(api: Api) -> None:
    seed, actor = Random().randrange(1 << 32), make_user()
    shares = [post_paths(api, 80, f"SF{number}") for number in range(4)]
    writers = [Writer(list(share), actor, seed + number) for number, share in enumerate(shares)]
    for writer in writers:
        writer.start()

    seen, address, pages, goes_on = [], BEGINNING, 0, True
    while goes_on:
        are_writing = any(writer.is_alive() for writer in writers)
        results, address = read(api, address)
        seen += [(push["id"], push["state"]) for push in results]
        pages += bool(results)
        goes_on = are_writing or bool(results)

    assert [writer.error for writer in writers] == [None] * 4, f"seed {seed}"
    assert pages > 20, f"seed {seed}: it was not read while they wrote"
    resent = set(Push.objects.filter(by_hand=True).values_list("pk", flat=True))
    times = Counter(push_id for push_id, _ in seen)
    assert resent, f"seed {seed}"
    assert dict(seen) == dict(Push.objects.values_list("pk", "state")), f"seed {seed}: lost"
    assert [id_ for id_, n in times.items() if n > 1 + (id_ in resent)] == [], f"seed {seed}: repeated"
