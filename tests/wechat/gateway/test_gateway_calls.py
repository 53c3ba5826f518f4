"""The gateway's two calls: what is stored, what is asked, what is answered."""

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.db import OperationalError, connection
from django.utils import timezone

from portal.urls import addresses
from tests.wechat.farside import FarSide, answer, hang_up
from tests.wechat.gateway.conftest import Gateway
from tests.wechat.gateway.samples import PHONE, push
from tests.wsgi import call
from waybills.api.views import PLACES
from waybills.line import current_line
from waybills.models import ApiToken, Binding, Line, Path, Push, Waybill
from waybills.sealing import blind_index
from wechat.models import AccessToken, CallBudget

pytestmark = pytest.mark.django_db(transaction=True)

OK = {"errcode": 0, "errmsg": "ok"}


def fresh(**changes: Any) -> dict[str, Any]:
    """Return a push of a moment ago."""
    now = int(time.time())
    return push(**{"path__action_time": now - 60, "create_time": now - 3600, **changes})


def know(exist: bool, *, ago: timedelta = timedelta()) -> None:
    Binding.objects.create(phone_index=blind_index(PHONE), exist=exist, checked_at=timezone.now() - ago)


def take_away(*codenames: str) -> None:
    User.objects.get(username="oms").user_permissions.remove(*Permission.objects.filter(codename__in=codenames))


def test_what_was_notified_is_what_wechat_is_told(gateway: Gateway, far: FarSide, drain: Callable[[], None]) -> None:
    body = fresh(
        path__action_type=300002, path__delivery_courier_name="王五", path__delivery_courier_phone="13766668888"
    )

    assert gateway.call("pathnotify", body) == {**OK, "exist": 0}
    assert far.asked == []
    drain()

    (told,) = far.calls("pathnotify")
    body["path"] = {name: value for name, value in body["path"].items() if value != ""}
    assert told == body


def test_the_same_body_again_is_the_same_push(gateway: Gateway) -> None:
    body = fresh()

    answers = [gateway.call("pathnotify", body) for _ in range(3)]

    assert [one["errcode"] for one in answers] == [0, 0, 0]
    assert Push.objects.count() == 1


def test_without_create_time_the_first_event_gives_it_and_the_stored_one_holds(gateway: Gateway) -> None:
    first = fresh(create_time=...)
    second = fresh(create_time=None, path__action_time=first["path"]["action_time"] + 30, waybill_id=" 1234567890 ")

    gateway.call("pathnotify", first)
    gateway.call("pathnotify", second)

    assert Waybill.objects.get().create_time == first["path"]["action_time"]
    assert Path.objects.count() == 2

    gateway.call("pathnotify", fresh(create_time=1_700_000_000))
    gateway.call("pathnotify", second)
    assert Waybill.objects.get().create_time == 1_700_000_000


@pytest.mark.parametrize("body", [fresh(create_time=..., waybill_id=...), fresh(create_time=..., waybill_id="x" * 65)])
def test_without_create_time_a_waybill_is_still_needed(gateway: Gateway, body: dict[str, Any]) -> None:
    assert gateway.call("pathnotify", body)["errmsg"].startswith("invalid args: waybill_id rid: ")


def test_a_missing_sender_is_nobody(gateway: Gateway) -> None:
    assert gateway.call("pathnotify", fresh(sender=...))["errcode"] == 0
    assert Waybill.objects.get().sender_phone_index is None


def test_escapes_are_read_as_what_they_stand_for(gateway: Gateway, far: FarSide, drain: Callable[[], None]) -> None:
    escaped = orjson.dumps(fresh()).decode().encode("ascii", "backslashreplace")

    assert b"\\u5feb" in escaped
    assert gateway.call("pathnotify", escaped)["errcode"] == 0
    drain()

    assert far.calls("pathnotify")[0]["path"]["action_msg"] == "快件到达 【泉州磁灶集散中心】"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"path__action_msg": "长" * 513}, "path.action_msg"),
        ({"waybill_id": "x" * 65}, "waybill_id"),
        ({"receiver__address": "x" * 257}, "receiver.address"),
        ({"sender__phone": "1" * 33}, "sender.phone"),
        ({"path__action_type": 300001}, "path.action_type"),
        ({"path__action_type": ..., "path__carrier_code": "GOT"}, "path.action_type"),
        ({"receiver__phone": "0595-85888888"}, "receiver.phone"),
    ],
    ids=str,
)
def test_a_refusal_names_the_field_and_nothing_is_stored(gateway: Gateway, changes: dict[str, Any], field: str) -> None:
    body = fresh()
    for name, value in changes.items():
        *places, last = name.split("__")
        target = body[places[0]] if places else body
        target.pop(last, None) if value is ... else target.update({last: value})

    refused = gateway.call("pathnotify", body)

    assert refused["errcode"] == 40097
    assert refused["errmsg"].startswith(f"invalid args: {field} rid: ")
    assert not Waybill.objects.exists()


@pytest.mark.parametrize(
    ("exist", "ago", "answered"),
    [(True, timedelta(), 1), (False, timedelta(), 0), (True, timedelta(days=2), 0)],
)
def test_pathnotify_answers_with_what_is_known(gateway: Gateway, exist: bool, ago: timedelta, answered: int) -> None:
    know(exist, ago=ago)

    assert gateway.call("pathnotify", fresh()) == {**OK, "exist": answered}


@pytest.mark.parametrize("exist", [True, False])
def test_what_is_known_is_answered_without_asking(gateway: Gateway, far: FarSide, exist: bool) -> None:
    know(exist)

    assert gateway.call("userquery", {"phone": "+86 138-0013-8000"}) == {**OK, "exist": int(exist)}
    assert far.asked == []


@pytest.mark.parametrize("exist", [1, 0])
def test_what_is_not_known_is_asked_once_and_remembered(gateway: Gateway, far: FarSide, exist: int) -> None:
    know(not exist, ago=timedelta(days=2))
    far.next("userquery", answer(0, exist=exist))

    answers = [gateway.call("userquery", {"phone": PHONE}) for _ in range(2)]

    assert answers == [{**OK, "exist": exist}] * 2
    assert far.calls("userquery") == [{"phone": PHONE}]


def test_a_code_of_wechats_is_passed_on_and_stops_the_line_where_it_must(gateway: Gateway, far: FarSide) -> None:
    far.next("userquery", answer(40097), answer(150004))

    answers = [gateway.call("userquery", {"phone": PHONE}) for _ in range(3)]

    assert answers[0] == {"errcode": 40097, "errmsg": "no rid: 40097"}
    assert answers[1] == {"errcode": 150004, "errmsg": "no rid: 150004"}
    assert answers[2]["errcode"] == -1
    assert (current_line().state, current_line().code) == (Line.State.STOPPED, 150004)
    assert len(far.calls("userquery")) == 2
    assert not Binding.objects.exists()


def test_a_refused_token_of_the_portals_own_is_renewed_once_and_never_told(gateway: Gateway, far: FarSide) -> None:
    far.next("userquery", answer(40001), answer(0, exist=1), answer(42001), answer(42001))

    assert gateway.call("userquery", {"phone": PHONE}) == {**OK, "exist": 1}
    assert gateway.call("userquery", {"phone": "13900139000"})["errcode"] == -1
    assert len(far.calls("stable_token")) >= 2


@pytest.mark.parametrize("odd", [hang_up, answer(-1), answer(0)], ids=["no answer", "busy", "says nothing"])
def test_no_usable_answer_is_a_busy_system(gateway: Gateway, far: FarSide, odd: Any) -> None:
    far.next("userquery", odd)

    assert gateway.call("userquery", {"phone": PHONE})["errcode"] == -1
    assert not Binding.objects.exists()


def test_without_a_token_nobody_is_asked_and_a_wrong_secret_stops_the_line(gateway: Gateway, far: FarSide) -> None:
    far.next("stable_token", answer(40125), answer(-1))

    assert gateway.call("userquery", {"phone": PHONE})["errcode"] == -1
    assert current_line().code == 40125

    Line.objects.update(state=Line.State.RUNNING, code=None)
    AccessToken.objects.update(retry_at=None)
    assert gateway.call("userquery", {"phone": PHONE})["errcode"] == -1
    assert current_line().state == Line.State.RUNNING
    assert far.calls("userquery") == []


def test_calls_beyond_the_rate_are_told_to_wait(gateway: Gateway, far: FarSide, change: Any) -> None:
    change("PUSH", calls_per_minute=1)
    CallBudget.objects.create(permits=0, counted_at=timezone.now())

    assert gateway.call("userquery", {"phone": PHONE})["errcode"] == 45011
    assert far.asked == []


def test_the_accounts_permissions_decide(gateway: Gateway) -> None:
    know(True)
    take_away("add_path")
    assert gateway.call("pathnotify", fresh())["errcode"] == 48001
    assert gateway.call("userquery", {"phone": PHONE})["errcode"] == 0

    take_away("view_push")
    assert gateway.call("userquery", {"phone": PHONE})["errcode"] == 48001
    assert not Waybill.objects.exists()


def test_neither_secret_nor_access_token_nor_phone_stands_in_the_log(
    gateway: Gateway, far: FarSide, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    far.next("userquery", hang_up)
    access_token = gateway.stable_token()["access_token"]

    gateway.call("userquery", {"phone": PHONE}, access_token)
    refused = gateway.call("pathnotify", fresh(receiver__phone=1), access_token)
    gateway.http.get("/gateway/cgi-bin/token", {"secret": gateway.secret, "appid": "oms"})
    gateway.http.get(f"/gateway/cgi-bin/nothing?access_token={access_token}")

    told = [
        record.getMessage() for record in caplog.records if record.name.startswith(("wechat", "waybills", "django"))
    ]
    assert any(refused["errmsg"].split("rid: ")[1] in line for line in told)
    for secret in (access_token, gateway.secret, PHONE):
        assert not any(secret in line for line in told)


def test_a_database_that_does_not_answer_is_a_busy_system(gateway: Gateway) -> None:
    access_token = gateway.stable_token()["access_token"]

    def refuse(execute: Any, sql: str, *arguments: Any) -> Any:
        raise OperationalError("the server closed the connection")

    with connection.execute_wrapper(refuse):
        refused = gateway.call("userquery", {"phone": PHONE}, access_token)

    assert refused["errcode"] == -1
    assert refused["errmsg"].startswith("system error rid: ")


def test_another_address_of_wechats_is_said_not_to_be_there(gateway: Gateway) -> None:
    response = gateway.http.post("/gateway/cgi-bin/message/custom/send", b"{}", content_type="application/json")

    assert orjson.loads(response.content)["errcode"] == 40066


def test_a_chunked_body_is_read_and_an_odd_length_is_an_empty_one(gateway: Gateway) -> None:
    know(True)
    query = f"access_token={gateway.stable_token()['access_token']}"
    address, raw = "/gateway/cgi-bin/express/delivery/userquery", orjson.dumps({"phone": PHONE})

    https = {"wsgi.url_scheme": "https"}

    chunked = call("POST", address, query, raw, CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked", **https)
    odd = call("POST", address, query, raw, CONTENT_LENGTH="many", **https)

    assert orjson.loads(chunked.body) == {**OK, "exist": 1}
    assert orjson.loads(odd.body)["errcode"] == 44002


@pytest.mark.parametrize(("surface", "is_there"), [("all", True), ("ops", True), ("edge", False)])
def test_the_gateway_is_on_the_carriers_own_surface(surface: str, is_there: bool) -> None:
    assert any(str(one.pattern) == "gateway/" for one in addresses(surface)) is is_there


def test_the_scopes_of_the_api_token_decide_too(gateway: Gateway) -> None:
    know(True)
    ApiToken.objects.update(may_read=False)

    assert gateway.call("userquery", {"phone": PHONE})["errcode"] == 48001
    assert gateway.call("pathnotify", fresh())["errcode"] == 0


def test_an_account_beyond_its_rate_is_told_to_wait(gateway: Gateway, change: Any) -> None:
    token = gateway.stable_token()["access_token"]
    cache.clear()
    know(True)
    change("API", rate=(2, 86_400))

    codes = [gateway.call("userquery", {"phone": PHONE}, token)["errcode"] for _ in range(3)]

    assert codes == [0, 0, 45011]
    cache.clear()


def test_asking_for_tokens_counts_too(gateway: Gateway, change: Any) -> None:
    cache.clear()
    change("API", rate=(2, 86_400))

    assert [gateway.stable_token().get("errcode", 0) for _ in range(3)] == [0, 0, 45011]
    cache.clear()


def test_a_process_without_a_free_place_is_a_busy_system(gateway: Gateway) -> None:
    know(True)

    with ExitStack() as others:
        for other in range(PLACES.most_writes):
            others.enter_context(PLACES.place(-1 - other, is_write=True))
        assert gateway.call("pathnotify", fresh())["errcode"] == -1

    assert gateway.call("pathnotify", fresh())["errcode"] == 0


def test_a_forced_token_needs_a_place_and_counts(gateway: Gateway, change: Any) -> None:
    with ExitStack() as others:
        for other in range(PLACES.most_writes):
            others.enter_context(PLACES.place(-1 - other, is_write=True))
        assert gateway.stable_token(force_refresh=True)["errcode"] == -1
        assert "access_token" in gateway.stable_token()

    cache.clear()
    change("API", rate=(1, 86_400))
    answers = [gateway.stable_token(force_refresh=True) for _ in range(2)]

    assert [answer.get("errcode", 0) for answer in answers] == [0, 45011]
    cache.clear()
