"""Order, whatever comes late, fails, dies or is paused: a state machine with a clock of its own, and no network.

Its far side acts on a call in the moment in which it leaves. What holds after each step: action_time never goes
backwards for a waybill, nothing comes twice but after an attempt whose outcome is unknown, and no waybill is claimed
while another's lease on it holds. At the end all is well again, and every push comes to an end.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from tests.delivery.load import know_bindings, number, phone
from tests.delivery.processes import IS_FULL
from tests.waybills.conftest import NOW
from waybills import lanes
from waybills.documents import Contact, PathDocument
from waybills.ingest import PathItem, WaybillItem, ingest
from waybills.lanes import Attempt
from waybills.models import Binding, Lane, Outcome, Path, Push, PushAttempt, Waybill
from wechat.client import Reading, Reply
from wechat.decisions import conclude, decide
from wechat.models import Callback

pytestmark = [pytest.mark.django_db, pytest.mark.chaos]

WAYBILLS = 1
LEASE = timedelta(seconds=30)
BOUND = Reply(Reading.ANSWERED, 0, "ok", 1)
LOST = Reply(Reading.LOST)
NOT_SENT = Reply(Reading.NOT_SENT)
NO_ANSWER_OF_OURS = Reply(Reading.ANSWERED, 932001)

CALLS = {
    "sent": (True, BOUND),
    "answer lost": (True, LOST),
    "request lost": (False, LOST),
    "no connection": (False, NOT_SENT),
    "refused for now": (False, NO_ANSWER_OF_OURS),
    "died before the call": (False, None),
    "died after the call": (True, None),
}
"""Whether the far side acts, and what is seen of it; None: the worker is dead."""
ENDINGS = [*sorted(CALLS), "answer lost", "answer lost", "died after the call"]
"""What can go backwards goes backwards after these."""


@dataclass
class Paused:
    """A worker that goes on later."""

    attempt: Attempt
    has_left: bool


class Delivery(RuleBasedStateMachine):
    """Carrier, workers, WeChat and the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.rng = Random(1)
        self.events = 0
        self.in_flight: list[Attempt] = []
        self.paused: list[Paused] = []
        self.newest: dict[str, int] = {}
        self.came: Counter[int] = Counter()
        know_bindings(range(WAYBILLS))
        began = int(NOW.timestamp()) - 3600
        contacts = [Contact(name="李四", phone=phone(index)) for index in range(WAYBILLS)]
        ingest([WaybillItem(number(i), began, Contact(), one) for i, one in enumerate(contacts)], [], now=NOW)

    @rule(
        index=st.integers(0, WAYBILLS - 1),
        minutes_ago=st.integers(0, 8),
        action_type=st.sampled_from([200001, 200001, 300002, 300003]),
    )
    def an_event_comes(self, index: int, minutes_ago: int, action_type: int) -> None:
        self.events += 1
        moment = int(self.now.timestamp()) - 60 * minutes_ago
        ingest([], [PathItem(number(index), moment, action_type, PathDocument(str(self.events)))], now=self.now)

    @rule(seconds=st.sampled_from([0, 0, 1, 6, 21, 31]))
    def a_worker_claims(self, seconds: int) -> None:
        self.time_passes(seconds)
        claimed = lanes.claim(limit=1, now=self.now, decide=lambda heads: decide(heads, now=self.now, rng=self.rng))
        for attempt in claimed.attempts:
            for other in [*self.in_flight, *(one.attempt for one in self.paused)]:
                assert other.head.no != attempt.head.no or other.head.leased_until <= self.now
            self.in_flight.append(attempt)

    @precondition(lambda self: self.in_flight)
    @rule(how=st.sampled_from(ENDINGS), index=st.integers(0, 9))
    def a_call_ends(self, how: str, index: int) -> None:
        attempt = self.in_flight.pop(index % len(self.in_flight))
        acts, reply = CALLS[how]
        self.finish(attempt, acts, reply)

    @precondition(lambda self: self.in_flight)
    @rule(has_left=st.booleans(), index=st.integers(0, 9))
    def a_worker_is_paused(self, has_left: bool, index: int) -> None:
        attempt = self.in_flight.pop(index % len(self.in_flight))
        if has_left and not self.leave(attempt):
            self.settle(attempt, NOT_SENT)
            return
        self.paused.append(Paused(attempt, has_left))

    @precondition(lambda self: self.paused)
    @rule(index=st.integers(0, 9))
    def a_paused_worker_goes_on(self, index: int) -> None:
        paused = self.paused.pop(index % len(self.paused))
        if paused.has_left:
            self.settle(paused.attempt, BOUND)
        else:
            self.finish(paused.attempt, True, BOUND)

    @rule(index=st.integers(0, WAYBILLS - 1))
    def wechat_asks_back(self, index: int) -> None:
        Callback.objects.create(
            received_at=self.now,
            duration_us=1,
            event="waybill_notify_query",
            waybill_no=number(index),
            outcome="answered",
            result_code=0,
        )

    @rule(seconds=st.sampled_from([5, 31, 61, 300]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def the_sweep_runs(self) -> None:
        lanes.expire(now=self.now)
        lanes.wake_sleepers()

    def finish(self, attempt: Attempt, acts: bool, reply: Reply | None) -> None:
        """End a call as the sender does: it does not leave after its lease."""
        if acts and not self.leave(attempt):
            reply = NOT_SENT if reply else None
        if reply:
            self.settle(attempt, reply)

    def leave(self, attempt: Attempt) -> bool:
        """Let the far side act, within the lease; check what must hold of it."""
        if self.now >= attempt.head.leased_until:
            return False
        head = attempt.head
        assert head.action_time >= self.newest.get(head.no, 0), "it goes backwards"
        if self.came[head.push_id]:
            doubts = PushAttempt.objects.filter(push_id=head.push_id, outcome=Outcome.UNKNOWN).count()
            assert doubts >= self.came[head.push_id], "it comes again for no reason"
        self.newest[head.no] = head.action_time
        self.came[head.push_id] += 1
        return True

    def settle(self, attempt: Attempt, reply: Reply) -> None:
        result = conclude(attempt, reply, is_repeat=False, now=self.now, rng=self.rng)
        assert lanes.settle([result], now=self.now) == []

    def teardown(self) -> None:
        try:
            self.all_is_well_again()
        finally:
            for model in (PushAttempt, Push, Path, Lane, Waybill, Callback, Binding):
                model.objects.all().delete()

    def all_is_well_again(self) -> None:
        while self.paused:
            self.a_paused_worker_goes_on(0)
        for _ in range(10 * (self.events + 1)):
            while self.in_flight:
                self.a_call_ends("sent", 0)
            if not Push.objects.pending().exists():
                break
            self.time_passes(300)
            self.a_worker_claims(0)
        assert not Push.objects.pending().exists()
        assert not Lane.objects.filter(leased=True).exists()
        assert not Lane.objects.filter(wake_at__isnull=False).exists()
        assert not PushAttempt.objects.open().exists()
        for push in Push.objects.filter(state="sent"):
            assert self.came[push.pk]


def how_many() -> int:
    """Return how many runs there are: each statement costs a trip to PostgreSQL's process."""
    if IS_FULL:
        return 3000
    return 300 if connection.vendor == "sqlite" else 80


def test_action_time_never_goes_backwards(change: Any) -> None:
    change("PUSH", lease=LEASE, trust_bound=timedelta(days=3650))

    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Delivery,
        settings=settings(
            max_examples=how_many(),
            stateful_step_count=40,
            deadline=None,
            derandomize=not IS_FULL,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("how", ["answer lost", "died after the call"])
def test_an_older_event_does_not_follow_a_newer_one_whose_outcome_is_unknown(change: Any, how: str) -> None:
    change("PUSH", lease=LEASE, trust_bound=timedelta(days=3650))
    one = Delivery()
    one.an_event_comes(index=0, minutes_ago=0, action_type=200001)
    one.a_worker_claims(seconds=0)
    one.a_call_ends(how=how, index=0)

    one.an_event_comes(index=0, minutes_ago=3, action_type=200001)
    one.a_worker_claims(seconds=31)

    older = Push.objects.earliest("action_time")
    assert (older.state, older.reason) == ("expired", "overtaken")
    one.all_is_well_again()
