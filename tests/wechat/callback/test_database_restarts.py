"""A connection that died between two requests costs no failed answer."""

from collections.abc import Callable

import pytest
from django.db import OperationalError, connection, transaction

from tests.wechat.callback.conftest import Portal, Wechat
from waybills.documents import PathDocument
from waybills.revival import on_a_live_connection
from wechat import audit
from wechat.models import Callback

pytestmark = pytest.mark.django_db(transaction=True)


def cut_connection() -> None:
    """End this connection's process in the server, as its restart would; SQLite has no server to restart."""
    if connection.vendor != "postgresql":
        return
    import psycopg

    connection.ensure_connection()
    parameters = connection.get_connection_params()
    address = {name: parameters[name] for name in ("dbname", "user", "password", "host", "port") if name in parameters}
    backend = connection.connection.info.backend_pid
    with psycopg.connect(**address, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", (backend,))


@pytest.mark.parametrize("event", ["waybill_notify_query", "other"])
def test_a_restarted_database_costs_no_answer(
    portal: Portal, post_waybill: Callable[..., None], wechat: Wechat, event: str
) -> None:
    post_waybill(paths=((1600000000, 100001, PathDocument("已揽收")),))
    request = wechat.sign(wechat.query_message(Event=event))
    cut_connection()

    answer = portal.post(*request)

    assert answer.status == 200
    audit.queue.write()
    assert Callback.objects.get().event == event


class Flaky:
    """Fails with what a dead connection gives, as often as it is told."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise OperationalError("the connection is closed")
        return "rows"


def test_a_statement_is_repeated_once() -> None:
    assert on_a_live_connection(Flaky(1)) == "rows"


def test_a_database_that_stays_away_is_an_error() -> None:
    flaky = Flaky(5)

    with pytest.raises(OperationalError):
        on_a_live_connection(flaky)

    assert flaky.calls == 2


def test_nothing_is_repeated_inside_a_transaction() -> None:
    flaky = Flaky(1)

    with pytest.raises(OperationalError), transaction.atomic():
        on_a_live_connection(flaky)

    assert flaky.calls == 1
