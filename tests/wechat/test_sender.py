"""Claims, calls and records against a real server, on whichever database the suite runs."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from tests.waybills.conftest import RECEIVER
from tests.wechat.farside import FarSide, answer, hang_up, text
from waybills.documents import Contact, PathDocument, unseal_attempt
from waybills.ingest import PathItem, WaybillItem, ingest
from waybills.models import Binding, Lane, Line, Path, Push, PushAttempt
from waybills.sealing import blind_index
from wechat.models import AccessToken, Callback

Drain = Callable[[], None]


def post(no: str = "SF1", *types: int, receiver: Contact = RECEIVER, seconds_ago: int = 100) -> None:
    """Post a waybill with events of these types, a second apart."""
    began = int(timezone.now().timestamp()) - seconds_ago
    paths = [
        PathItem(no, began + n, type_, PathDocument(f"第 {n} 步 ☃", delivery_courier_name="王五"))
        for n, type_ in enumerate(types or (300002,))
    ]
    ingest([WaybillItem(no, began - 60, Contact(name="张三"), receiver)], paths)


def result() -> tuple[str, str]:
    push = Push.objects.get()
    return push.state, push.reason


def attempts() -> list[tuple[str, str, int | None, int | None]]:
    return list(PushAttempt.objects.order_by("started_at", "pk").values_list("call", "outcome", "errcode", "exist"))


def make_due() -> None:
    """Let 25 seconds pass: what is in doubt is judged, and every push is due again."""
    age = timedelta(seconds=25)
    PushAttempt.objects.update(started_at=F("started_at") - age, ended_at=F("ended_at") - age)
    Callback.objects.update(received_at=F("received_at") - age)
    Push.objects.filter(in_doubt_since__isnull=False).update(in_doubt_since=F("in_doubt_since") - age)
    moment = timezone.now()
    Push.objects.pending().update(not_before=moment)
    Lane.objects.filter(leased=False, wake_at__isnull=False).update(wake_at=moment)


def test_a_bound_phone_is_asked_for_then_pushed_to(far: FarSide, drain: Drain) -> None:
    post()

    drain()

    assert result() == ("sent", "")
    assert attempts() == [("userquery", "ok", 0, 1), ("pathnotify", "ok", 0, 1)]
    assert far.calls("userquery") == [{"phone": "13800138000"}]
    (pushed,) = far.calls("pathnotify")
    assert pushed["waybill_id"] == "SF1"
    assert pushed["create_time"] == pushed["path"]["action_time"] - 60
    assert pushed["path"]["action_msg"] == "第 0 步 ☃"
    assert pushed["path"]["delivery_courier_name"] == "王五"
    assert "pickup_courier_name" not in pushed["path"]
    assert pushed["receiver"] == {"name": "李四", "phone": "13800138000", "province": "福建省", "city": "泉州市"}
    assert pushed["sender"] == {"name": "张三"}
    assert not any(b"\\u" in body for body in far.bodies)


def test_all_events_of_a_waybill_go_in_order_and_the_phone_is_asked_for_once(far: FarSide, drain: Drain) -> None:
    post("SF1", 100001, 200001, 300002, 300003)

    drain()

    times = [body["path"]["action_time"] for body in far.calls("pathnotify")]
    assert times == sorted(times)
    assert len(times) == 4
    assert len(far.calls("userquery")) == 1
    assert Lane.objects.get().wake_at is None


def test_an_unbound_phone_is_not_pushed_to(far: FarSide, drain: Drain) -> None:
    far.next("userquery", answer(exist=0))
    post()

    drain()

    assert result() == ("unbound", "answered_unbound")
    assert far.calls("pathnotify") == []
    assert Binding.objects.get(phone_index=blind_index("13800138000")).exist is False


def test_a_phone_that_was_unbound_a_moment_ago_is_not_asked_for_again(far: FarSide, drain: Drain) -> None:
    Binding.objects.create(phone_index=blind_index("13800138000"), exist=False, checked_at=timezone.now())
    post("SF1", 200001)

    drain()

    assert result() == ("unbound", "remembered_unbound")
    assert far.calls("userquery") == []


def test_a_message_asks_wechat_though_the_phone_was_unbound_a_moment_ago(far: FarSide, drain: Drain) -> None:
    Binding.objects.create(phone_index=blind_index("13800138000"), exist=False, checked_at=timezone.now())
    post("SF1", 300003)

    drain()

    assert result() == ("sent", "")


def test_a_binding_is_forgotten_after_its_time(far: FarSide, drain: Drain) -> None:
    stale = timezone.now() - timedelta(days=2)
    Binding.objects.create(phone_index=blind_index("13800138000"), exist=True, checked_at=stale)
    post("SF1", 200001)

    drain()

    assert len(far.calls("userquery")) == 1


def test_unbound_phones_are_pushed_to_where_the_acceptance_asks_for_it(far: FarSide, drain: Drain, change: Any) -> None:
    change("PUSH", send_unbound=True)
    far.next("userquery", answer(exist=0))
    far.next("pathnotify", answer(exist=0))
    post("SF1", 200001)

    drain()

    assert result() == ("unbound", "answered_unbound")
    assert len(far.calls("pathnotify")) == 1


def test_phones_outside_the_joint_debugging_are_skipped(far: FarSide, drain: Drain, change: Any) -> None:
    change("PUSH", only_phones=frozenset({"139 0013 9000"}))
    post()

    drain()

    assert result() == ("skipped", "phone_excluded")
    assert far.asked == [("stable_token", far.asked[0][1], "")]


def test_a_refused_token_is_renewed_once_and_the_call_repeated_once(far: FarSide, drain: Drain) -> None:
    far.next("userquery", answer(42001))
    post()

    drain()

    assert result() == ("sent", "")
    assert len(far.calls("stable_token")) == 2
    assert attempts()[:2] == [("userquery", "failed", 42001, None), ("userquery", "ok", 0, 1)]
    assert AccessToken.objects.get().version == 2


def test_a_token_refused_again_is_a_failed_try(far: FarSide, drain: Drain) -> None:
    far.next("userquery", answer(40001), answer(40001))
    post()

    drain()

    push = Push.objects.get()
    assert (push.state, push.reason, push.tries) == ("pending", "retrying", 1)
    assert len(far.calls("userquery")) == 2
    assert Line.objects.get().token_refusals == 1


def test_three_tries_in_a_row_with_a_refused_token_stop_the_line(far: FarSide, drain: Drain) -> None:
    for number in range(3):
        far.next("userquery", answer(40001), answer(40001))
        post(f"SF{number}")
        drain()

    line = Line.objects.get()
    assert (line.state, line.code, line.probe_at) == ("stopped", 40001, None)
    assert "cgi-bin/token" in line.remedy


def test_an_accepted_token_ends_the_row_of_refusals(far: FarSide, drain: Drain) -> None:
    far.next("userquery", answer(40001), answer(40001))
    post("SF0")
    drain()

    post("SF1")
    drain()

    assert Line.objects.get().token_refusals == 0


@pytest.mark.parametrize("code", [40097, 47001])
def test_refused_data_are_final(far: FarSide, drain: Drain, code: int) -> None:
    far.next("pathnotify", answer(code))
    post()

    drain()

    assert result() == ("failed", "refused")
    assert attempts()[-1] == ("pathnotify", "refused", code, None)
    assert PushAttempt.objects.get(call="pathnotify").errmsg == f"no rid: {code}"


@pytest.mark.parametrize("code", [932002, 932003, 123456])
def test_a_disagreeing_back_query_is_tried_three_times(far: FarSide, drain: Drain, code: int) -> None:
    far.next("pathnotify", answer(code), answer(code), answer(code))
    post()

    for _ in range(3):
        drain()
        make_due()

    assert result() == ("failed", "tries_used_up")
    assert len(far.calls("pathnotify")) == 3


def test_a_silent_callback_is_retried_without_a_count(far: FarSide, drain: Drain) -> None:
    far.next("pathnotify", *[answer(932001)] * 5)
    post()

    for _ in range(6):
        drain()
        make_due()

    assert result() == ("sent", "")


@pytest.mark.parametrize("code", [40125, 40013, 40243, 41002, 41004, 48001, 89503])
def test_a_configuration_code_stops_the_line_for_a_person(far: FarSide, drain: Drain, code: int) -> None:
    far.next("userquery", answer(code))
    post()

    drain()

    line = Line.objects.get()
    assert (line.state, line.code, line.probe_at) == ("stopped", code, None)
    assert line.remedy
    push = Push.objects.get()
    assert (push.state, push.tries) == ("pending", 0)
    drain()
    assert len(far.calls("userquery")) == 1


@pytest.mark.parametrize("code", [40164, 150004])
def test_a_line_that_may_heal_is_probed_by_one_push_and_resumes(far: FarSide, drain: Drain, code: int) -> None:
    far.next("userquery", answer(code))
    post("SF1")
    drain()
    post("SF2")
    Line.objects.update(probe_at=timezone.now())

    drain()

    assert Line.objects.get().state == "running"
    assert set(Push.objects.values_list("state", flat=True)) == {"sent"}


def test_a_used_up_quota_waits_for_midnight_in_china(far: FarSide, drain: Drain) -> None:
    far.next("pathnotify", answer(45009))
    post()

    drain()

    probe_at = Line.objects.get().probe_at
    assert probe_at is not None
    assert (probe_at + timedelta(hours=8)).time() == datetime.min.time()
    assert probe_at > timezone.now()


def test_a_wrong_secret_stops_the_line_before_anything_is_claimed(far: FarSide, drain: Drain) -> None:
    far.next("stable_token", answer(40001))
    post()

    drain()

    line = Line.objects.get()
    assert (line.state, line.code) == ("stopped", 40001)
    assert "WECHAT_SECRET" in line.remedy
    assert attempts() == []


def test_a_token_whose_quota_is_used_up_stops_the_line_until_midnight_in_china(far: FarSide, drain: Drain) -> None:
    far.next("stable_token", answer(45009))
    post()

    drain()
    drain()

    line = Line.objects.get()
    assert (line.state, line.code) == ("stopped", 45009)
    assert line.probe_at is not None
    assert (line.probe_at + timedelta(hours=8)).time() == datetime.min.time()
    assert line.probe_at > timezone.now()
    assert len(far.calls("stable_token")) == 1
    assert attempts() == []


@pytest.mark.parametrize("broken", [hang_up, text("<html>", 502), text("no json"), answer(-1), answer(0)])
def test_a_lost_answer_of_pathnotify_is_in_doubt(far: FarSide, drain: Drain, broken: Any) -> None:
    far.next("pathnotify", broken)
    post()

    drain()

    push = Push.objects.get()
    assert (push.state, push.reason) == ("pending", "in_doubt")
    attempt = PushAttempt.objects.get(call="pathnotify")
    assert attempt.outcome == "unknown"
    assert push.in_doubt_since == attempt.started_at
    assert push.not_before is not None
    assert attempt.ended_at is not None
    assert push.not_before == attempt.ended_at + timedelta(seconds=20)


@pytest.mark.parametrize("broken", [hang_up, text("<html>", 502), text("no json"), answer(-1)])
def test_a_lost_answer_of_userquery_is_an_ordinary_retry(far: FarSide, drain: Drain, broken: Any) -> None:
    far.next("userquery", broken)
    post()

    drain()

    assert result() == ("pending", "retrying")
    assert PushAttempt.objects.get().outcome == "failed"


def back_query(no: str, received_at: datetime) -> None:
    Callback.objects.create(
        received_at=received_at,
        duration_us=1,
        event="waybill_notify_query",
        waybill_no=no,
        outcome="answered",
        result_code=0,
    )


@pytest.mark.parametrize("type_", [300002, 300003])
def test_a_message_that_wechat_asked_back_for_becomes_unknown(far: FarSide, drain: Drain, type_: int) -> None:
    far.next("pathnotify", hang_up)
    post("SF1", type_)
    drain()
    back_query("SF1", timezone.now())
    make_due()

    drain()

    assert result() == ("unknown", "answer_lost")
    assert Push.objects.get().notified is None
    assert len(far.calls("pathnotify")) == 1


def test_a_trail_update_that_wechat_asked_back_for_goes_again(far: FarSide, drain: Drain) -> None:
    far.next("pathnotify", hang_up)
    post("SF1", 200001)
    drain()
    back_query("SF1", timezone.now())
    make_due()

    drain()

    assert result() == ("sent", "")


def test_without_proof_a_message_in_doubt_goes_again(far: FarSide, drain: Drain) -> None:
    far.next("pathnotify", hang_up)
    post()
    drain()
    make_due()

    drain()

    assert result() == ("sent", "")
    assert len(far.calls("pathnotify")) == 2


def test_a_late_copy_of_the_previous_back_query_proves_nothing(far: FarSide, drain: Drain) -> None:
    far.next("pathnotify", answer(exist=1), hang_up)
    post("SF1", 200001, 300002)
    drain()
    # Within 20 seconds of the previous pathnotify's end: it may belong to that one.
    back_query("SF1", timezone.now())
    make_due()

    drain()

    assert Push.objects.get(action_type=300002).state != "unknown"


def test_what_was_sent_and_seen_is_kept_sealed(far: FarSide, drain: Drain) -> None:
    far.next("pathnotify", text("<html>13800138000</html>", 502))
    post()

    drain()

    attempt = PushAttempt.objects.get(call="pathnotify")
    assert attempt.sealed is not None
    document = unseal_attempt(attempt.pk, bytes(attempt.sealed))
    assert json.loads(document.request)["waybill_id"] == "SF1"
    assert document.answer == "<html>13800138000</html>"
    assert "13800138000" not in attempt.errmsg
    assert b"13800138000" not in bytes(attempt.sealed)


def test_where_nobody_listens_nothing_was_sent(far: FarSide, drain: Drain, change: Any) -> None:
    post("SF0")
    drain()
    change("WECHAT", api_base="http://127.0.0.1:9")
    post("SF1")

    drain()

    push = Push.objects.get(waybill__no="SF1")
    assert (push.state, push.reason) == ("pending", "retrying")
    assert PushAttempt.objects.filter(push=push).values_list("outcome", flat=True).get() == "failed"


def test_the_log_tells_what_went_wrong_with_ids_only(far: FarSide, drain: Drain, caplog: Any) -> None:
    far.next("pathnotify", answer(40097))
    post("SF7")

    drain()

    assert "1 x pathnotify refused 40097" in caplog.text
    assert f"push {Push.objects.get().pk} of waybill SF7 ended: refused" in caplog.text


def test_neither_token_nor_phone_is_logged(far: FarSide, drain: Drain, caplog: Any) -> None:
    far.next("pathnotify", hang_up, text("x" * 100_000))
    post("SF1")
    post("SF2")

    drain()

    assert "token-1" not in caplog.text
    assert "13800138000" not in caplog.text


def test_an_event_past_its_deadline_while_in_line_is_not_sent(far: FarSide, drain: Drain) -> None:
    post()
    Push.objects.update(deadline_at=timezone.now() - timedelta(seconds=1))

    drain()

    assert result() == ("expired", "past_deadline")
    assert far.calls("pathnotify") == []


def test_a_push_whose_data_do_not_open_waits_for_the_key(far: FarSide, drain: Drain, change: Any) -> None:
    post()
    change("SEAL", keys=(b"k" * 32,))

    drain()

    assert result() == ("pending", "unreadable")
    assert attempts() == []


def test_a_userquery_that_is_answered_does_not_lift_the_quota_of_pathnotify(far: FarSide, drain: Drain) -> None:
    far.next("pathnotify", answer(45009), answer(45009))
    post("SF1")
    drain()
    Binding.objects.all().delete()
    Line.objects.update(probe_at=timezone.now())

    drain()

    line = Line.objects.get()
    assert (line.state, line.code) == ("stopped", 45009)
    assert len(far.calls("pathnotify")) == 2


def test_what_was_under_way_when_the_line_stopped_goes_no_further_and_does_not_lift_it(
    far: FarSide, drain: Drain
) -> None:
    far.next("userquery", answer(150004))
    for number in range(5):
        post(f"SF{number}")

    drain()

    assert Line.objects.get().state == "stopped"
    assert set(Push.objects.values_list("state", "reason", "tries")) == {("pending", "line_stopped", 0)}
    assert far.calls("pathnotify") == []


def test_a_refused_token_is_never_used_again_where_its_renewal_fails(far: FarSide, drain: Drain) -> None:
    post("SF0")
    drain()
    far.next("userquery", answer(42001), answer(42001), answer(42001))
    far.next("stable_token", text("busy", 503), text("busy", 503), text("busy", 503))
    for number in range(1, 4):
        Binding.objects.all().delete()
        post(f"SF{number}")
        drain()

    assert Line.objects.get().state == "running"
    assert len(far.calls("userquery")) == 2
    token = AccessToken.objects.get()
    assert token.failing_since is not None
    assert token.failure == "HTTP 503, not an answer of WeChat's"


def test_a_renewal_that_is_not_allowed_stops_the_line_with_its_own_code(far: FarSide, drain: Drain) -> None:
    post("SF0")
    drain()
    Binding.objects.all().delete()
    far.next("userquery", answer(42001))
    far.next("stable_token", answer(40164))
    post("SF1")

    drain()

    line = Line.objects.get()
    assert (line.state, line.code) == ("stopped", 40164)
    assert line.probe_at is not None
    assert Push.objects.get(waybill__no="SF1").reason == "line_stopped"


def test_a_token_that_comes_again_ends_the_row_of_failures(far: FarSide, drain: Drain) -> None:
    far.next("stable_token", text("busy", 503))
    post()
    drain()
    AccessToken.objects.update(retry_at=timezone.now())

    drain()

    token = AccessToken.objects.get()
    assert (token.failing_since, token.failure, token.failures) == (None, "", 0)
    assert result() == ("sent", "")


def test_an_event_that_was_voided_while_its_push_was_tried_goes_no_further(far: FarSide, drain: Drain) -> None:
    far.next("pathnotify", answer(932001))
    post()
    drain()
    Path.objects.update(voided_at=timezone.now())
    make_due()

    drain()

    assert result() == ("cancelled", "path_voided")
    assert len(far.calls("pathnotify")) == 1


def test_a_doubt_without_proof_waits_as_long_as_any_failed_try(far: FarSide, drain: Drain) -> None:
    far.next("pathnotify", hang_up)
    post()
    drain()
    Push.objects.update(tries=8)
    make_due()

    drain()

    assert result() == ("pending", "retrying")
    assert len(far.calls("pathnotify")) == 1
    not_before = Push.objects.get().not_before
    assert not_before is not None
    assert not_before > timezone.now() + timedelta(minutes=5)
