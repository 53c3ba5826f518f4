"""A record that the database committed although its answer was lost: repeated, it begins and counts nothing twice."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError
from django.db.backends.signals import connection_created

from tests.wechat.farside import FarSide, answer, hang_up
from tests.wechat.test_sender import Drain, attempts, post, result
from waybills.models import Lane, Push, PushAttempt
from wechat.models import CallBudget


class LostAcknowledgement:
    """Breaks a connection once one of its transactions, the first or second that closes attempts, is committed."""

    def __init__(self, which: int) -> None:
        self._which = which
        self._closed = 0
        self._records = 0
        self.lost = 0
        self._installed: list[Any] = []

    def install(self, connection: Any, **kwargs: Any) -> None:
        commit = connection.commit
        self._installed.append(connection)

        def commit_and_look() -> None:
            commit()
            connection.run_on_commit.append((set(), self._look, False))

        connection.commit = commit_and_look

    def remove(self) -> None:
        """Leave no connection broken for the next test: this thread's may be among them."""
        for connection in self._installed:
            vars(connection).pop("commit", None)

    def _look(self) -> None:
        closed = PushAttempt.objects.exclude(outcome="open").count()
        self._records += closed > self._closed
        self._closed = closed
        if self._records == self._which and not self.lost:
            self.lost += 1
            raise OperationalError("server closed the connection unexpectedly")


@pytest.fixture(params=[1, 2], ids=["of userquery", "of pathnotify"])
def lost(request: Any) -> Iterator[LostAcknowledgement]:
    """Lose the acknowledgement of the first or of the second record of the sender's own connection."""
    one = LostAcknowledgement(request.param)
    connection_created.connect(one.install)
    yield one
    connection_created.disconnect(one.install)
    one.remove()
    assert one.lost == 1


def test_nothing_stays_open_and_nothing_goes_twice(far: FarSide, lost: LostAcknowledgement, drain: Drain) -> None:
    post()

    drain()

    assert result() == ("sent", "")
    assert attempts() == [("userquery", "ok", 0, 1), ("pathnotify", "ok", 0, 1)]
    assert len(far.calls("pathnotify")) == 1
    assert not Lane.objects.filter(leased=True).exists()


def test_a_failed_try_is_counted_once(far: FarSide, lost: LostAcknowledgement, drain: Drain) -> None:
    far.next("pathnotify", hang_up)
    post()

    drain()

    assert result() == ("pending", "in_doubt")
    assert Push.objects.get().tries == 1
    assert not PushAttempt.objects.open().exists()


def test_a_call_with_a_renewed_token_is_made_once(far: FarSide, lost: LostAcknowledgement, drain: Drain) -> None:
    far.next("userquery", answer(42001))
    post()

    drain()

    assert result() == ("sent", "")
    assert [(call, outcome) for call, outcome, _, _ in attempts()] == [
        ("userquery", "failed"),
        ("userquery", "ok"),
        ("pathnotify", "ok"),
    ]
    assert len(far.calls("userquery")) == 2


def test_the_rate_counts_each_call_once(far: FarSide, lost: LostAcknowledgement, drain: Drain, change: Any) -> None:
    change("PUSH", calls_per_minute=60_000)
    CallBudget.objects.create(pk=1, permits=2000, counted_at="2999-01-01T00:00:00Z")
    post()

    drain()

    assert CallBudget.objects.get().permits == pytest.approx(1998)
