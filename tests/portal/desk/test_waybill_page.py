"""The waybill's page: the whole story from the event to the result, personal data masked."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests.factories import (
    make_act,
    make_attempt,
    make_callback,
    make_path,
    make_push,
    make_stub,
    make_user,
    make_waybill,
)
from waybills.line import stop_by_code
from waybills.models import Act, Binding, Path, Push, Waybill
from waybills.services import stop_line, void_path
from wechat.models import AccessToken
from wechat.timeline import read_timeline

PHONES = ("13800138000", "13900139001", "138 0013 8000", "13612345678")


def page_of(client: Client, waybill: Waybill) -> str:
    return client.get(reverse("admin:waybills_waybill_change", args=[waybill.pk])).content.decode()


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html[html.index('class="desk-page"') :]))


def search(client: Client, term: str) -> Any:
    return client.post(reverse("admin:waybills_waybill_search"), {"q": term}, follow=True)


@pytest.mark.parametrize(
    "term", ["SF42", " SF42 ", "13800138000", "+86 138-0013-8000", "１３８００１３８０００", "13900139001"]
)
def test_a_search_that_finds_one_waybill_opens_it(desk: Client, term: str) -> None:
    waybill = make_waybill("SF42")

    answer = search(desk, term)

    assert answer.redirect_chain[-1] == (reverse("admin:waybills_waybill_change", args=[waybill.pk]), 302)


@pytest.mark.parametrize("term", ["SF4", "F42", "sf42", "1380013", "李四光", "%"])
def test_a_part_of_a_number_or_a_name_finds_nothing(desk: Client, term: str) -> None:
    make_waybill("SF42")

    answer = search(desk, term)

    assert len(answer.context_data["cl"].result_list) == 0


def test_a_phone_of_two_waybills_shows_both(desk: Client) -> None:
    make_waybill("SF1")
    make_waybill("SF2")

    answer = search(desk, "13800138000")

    assert {row.no for row in answer.context_data["cl"].result_list} == {"SF1", "SF2"}


def test_the_timeline_tells_the_story_in_its_order(in_english: Client, superuser: Any) -> None:
    waybill = make_waybill()
    push = make_push(waybill, action_type=300002, state="sent")
    now = timezone.now()
    Path.objects.filter(pk=push.path_id).update(created_at=now - timedelta(seconds=9))
    query_began = now - timedelta(seconds=8)
    make_attempt(push, "userquery", exist=1, started_at=query_began, ended_at=query_began)
    notify_began = now - timedelta(seconds=6)
    make_attempt(push, "pathnotify", exist=1, started_at=notify_began, ended_at=now - timedelta(seconds=4))
    make_callback(waybill.no, received_at=now - timedelta(seconds=5))

    text = text_of(page_of(in_english, waybill))

    words = ("out for delivery", "Event arrived", "Asked WeChat", "Pushed to WeChat", "WeChat asked back", "sent")
    places = [text.index(words[0])]
    for word in words[1:]:
        places.append(text.index(word, places[-1] + 1))
    assert places == sorted(places)
    assert "answered with the whole trail" in text


def test_a_refusal_is_explained_with_what_to_do(desk: Client) -> None:
    push = make_push(state="failed", reason="tries_used_up")
    make_attempt(push, outcome="refused", errcode=932001, errmsg="system error rid: 1-2-3")

    text = text_of(page_of(desk, push.waybill))

    assert "932001" in text
    assert "rid: 1-2-3" in text
    assert "回调" in text
    assert "微信三次拒绝" in text


def test_of_the_same_refusal_in_a_row_only_the_last_is_explained(db: None) -> None:
    push = make_push(state="failed")
    start = timezone.now() - timedelta(seconds=60)
    for minute in range(3):
        make_attempt(push, outcome="refused", errcode=932001, started_at=start + timedelta(seconds=minute))

    [node] = read_timeline(push.waybill).nodes

    assert [step.explanation is not None for step in node.steps if step.kind == "pathnotify"] == [False, False, True]


def test_a_back_query_belongs_to_the_call_that_caused_it(db: None) -> None:
    waybill = make_waybill()
    first, second = make_push(waybill, seconds_ago=20), make_push(waybill, seconds_ago=10)
    start = timezone.now() - timedelta(minutes=5)
    make_attempt(first, started_at=start, ended_at=start + timedelta(seconds=1))
    make_attempt(second, started_at=start + timedelta(minutes=1), ended_at=start + timedelta(minutes=1, seconds=1))
    make_callback(waybill.no, received_at=start + timedelta(seconds=15))
    make_callback(waybill.no, received_at=start + timedelta(minutes=1, milliseconds=500))
    make_callback(waybill.no, received_at=start + timedelta(minutes=3))
    make_callback(waybill.no, received_at=start - timedelta(minutes=1))

    timeline = read_timeline(waybill)

    assert [sum(step.kind == "callback" for step in node.steps) for node in timeline.nodes] == [1, 1]
    assert len(timeline.others) == 2


def test_an_act_stands_at_its_push_or_beside_the_events(db: None, superuser: Any) -> None:
    push = make_push()
    make_act(superuser, waybill_no=push.waybill.no, target=f"push {push.pk}", reason="asked by phone")
    make_act(superuser, Act.Verb.REVEAL, waybill_no=push.waybill.no, target=f"waybill {push.waybill_id}")
    make_act(superuser, waybill_no="SF-other", target=f"push {push.pk}")

    timeline = read_timeline(push.waybill)

    assert [step.facts for step in timeline.nodes[0].steps if step.kind == "act"] == [("asked by phone",)]
    assert [step.kind for step in timeline.others] == ["act"]


def test_a_waybill_with_very_many_records_shows_the_newest_and_says_so(in_english: Client) -> None:
    waybill = make_waybill()
    start = timezone.now()
    for second in range(300):
        make_callback(waybill.no, received_at=start + timedelta(seconds=second))

    assert "very many records" in text_of(page_of(in_english, waybill))


def test_a_page_costs_the_same_number_of_queries_however_long_the_trail_is(desk: Client) -> None:
    def grow(waybill: Waybill) -> None:
        push = make_push(waybill, state="failed")
        make_attempt(push, outcome="refused", errcode=40097)
        make_callback(waybill.no)

    waybill = make_waybill()
    grow(waybill)
    url = reverse("admin:waybills_waybill_change", args=[waybill.pk])
    desk.get(url)

    with CaptureQueriesContext(connection) as short:
        desk.get(url)
    for _ in range(6):
        grow(waybill)
    with CaptureQueriesContext(connection) as long:
        desk.get(url)

    assert len(short) == len(long)
    assert len(long) <= 11


def test_personal_data_are_masked(desk: Client) -> None:
    waybill = make_waybill()
    make_path(waybill, 300002, "【李四光/138 0013 8000】正在派送，派件员 13612345678，谢谢")

    html = page_of(desk, waybill)

    assert "138****8000" in html
    assert "136****5678" in html
    assert "李**" in html
    assert not [phone for phone in PHONES if phone in html]
    assert "李四光" not in html
    assert "庄宅北区" not in html


def test_revealing_is_recorded_before_it_shows(desk_of: Callable[..., Client]) -> None:
    waybill = make_waybill()
    client = desk_of("waybills.reveal_waybill")

    html = client.post(reverse("admin:waybills_waybill_reveal", args=[waybill.pk])).content.decode()

    act = Act.objects.get()
    assert (act.verb, act.waybill_no) == (Act.Verb.REVEAL, waybill.no)
    assert "13800138000" in html
    assert "李四光" in html
    assert "庄宅北区158-6" in html
    assert not [value for value in (act.target, act.reason) if "138" in value]


def test_without_the_permission_nothing_is_revealed(desk_of: Callable[..., Client]) -> None:
    waybill = make_waybill()
    client = desk_of()

    assert 'name="reveal"' not in page_of(client, waybill)
    assert client.post(reverse("admin:waybills_waybill_reveal", args=[waybill.pk])).status_code == 403
    assert not Act.objects.exists()


def test_a_link_reveals_nothing(desk: Client) -> None:
    waybill = make_waybill()

    assert desk.get(reverse("admin:waybills_waybill_reveal", args=[waybill.pk])).status_code == 405
    assert not Act.objects.exists()


@pytest.mark.parametrize("revealed", [False, True])
def test_data_that_do_not_open_are_an_error_and_never_shown(
    desk: Client, change: Any, caplog: pytest.LogCaptureFixture, revealed: bool
) -> None:
    waybill = make_waybill()
    make_path(waybill, 300002, "正在派送")
    change("SEAL", keys=(b"x" * 32,))

    if revealed:
        html = desk.post(reverse("admin:waybills_waybill_reveal", args=[waybill.pk])).content.decode()
    else:
        html = page_of(desk, waybill)

    assert "此单的加密数据打不开：密钥缺失或不符，请联系管理员" in html
    assert "此节点的内容打不开" in html
    assert "正在派送" not in html
    assert "收件人</dt>" not in html
    assert "does not open" in caplog.text


def test_a_stub_says_that_its_waybill_has_not_come(in_english: Client) -> None:
    text = text_of(page_of(in_english, make_stub()))

    assert "the carrier has not sent the waybill itself" in text
    assert "Waits for its waybill" in text


def test_a_stopped_line_is_told_on_the_page(desk: Client, superuser: Any) -> None:
    waybill = make_waybill()
    stop_line(actor=superuser, reason="机房检修")

    assert "机房检修" in page_of(desk, waybill)


def test_a_line_that_a_code_stopped_tells_what_to_do(in_english: Client) -> None:
    stop_by_code(code=48001, reason="api unauthorized", remedy="Ask WeChat.", probe_at=None, now=timezone.now())

    text = text_of(page_of(in_english, make_waybill()))

    assert "48001 api unauthorized" in text
    assert "What to do: Ask WeChat." in text


@pytest.mark.parametrize("reason", ["", "retrying", "line_stopped", "sender_lost"])
def test_while_the_line_is_stopped_a_push_promises_nothing(in_english: Client, superuser: Any, reason: str) -> None:
    push = make_push()
    Push.objects.filter(pk=push.pk).update(reason=reason)
    make_attempt(push, outcome="failed", errcode=-1)
    stop_line(actor=superuser, reason="maintenance")

    text = text_of(page_of(in_english, push.waybill))

    assert "Held back: the line is stopped" in text
    assert "It goes when the line runs again." in text
    assert "by itself" not in text
    assert "next round" not in text


def test_while_the_line_is_stopped_what_has_ended_keeps_its_words(in_english: Client, superuser: Any) -> None:
    push = make_push(state="failed", reason="tries_used_up")
    make_attempt(push, outcome="failed", errcode=-1)
    stop_line(actor=superuser, reason="maintenance")

    text = text_of(page_of(in_english, push.waybill))

    assert "WeChat refused three times" in text
    assert "Held back" not in text


def test_without_a_token_the_page_of_a_pending_push_says_so(in_english: Client) -> None:
    AccessToken.objects.create(failing_since=timezone.now(), failure="connection refused")
    waiting, done = make_push(), make_push(state="sent")

    text = text_of(page_of(in_english, waiting.waybill))

    assert "No access token from WeChat since" in text
    assert "Held back: there is no access token" in text
    assert "No access token" not in page_of(in_english, done.waybill)


def test_what_wechat_said_of_the_phone_is_shown(in_english: Client) -> None:
    waybill = make_waybill()
    assert "not asked yet" in text_of(page_of(in_english, waybill))
    index = Waybill.objects.get(pk=waybill.pk).receiver_phone_index
    Binding.objects.create(phone_index=index, exist=False, checked_at=timezone.now())

    text = text_of(page_of(in_english, waybill))

    assert "not bound" in text


def test_a_voided_event_offers_nothing_and_says_so(in_english: Client, superuser: Any) -> None:
    path = make_path(make_waybill())
    no = path.waybill.no
    void_path(no=no, action_time=path.action_time, action_type=path.action_type, actor=superuser, reason="a mistake")

    html = page_of(in_english, path.waybill)

    assert "Voided" in html
    assert "/resend/" not in html


def test_a_type_outside_the_table_is_shown_by_its_code(desk: Client) -> None:
    path = make_path(make_waybill())
    Path.objects.filter(pk=path.pk).update(action_type=300001)

    assert "300001" in text_of(page_of(desk, path.waybill))


OPERATIONS = {
    "pending": {"push_now", "cancel"},
    "failed": {"resend"},
    "unknown": {"resend"},
    "unbound": {"resend"},
    "sent": set(),
}


@pytest.mark.parametrize("state", OPERATIONS)
def test_a_push_offers_what_its_state_allows(desk: Client, state: str) -> None:
    push = make_push(state=state)

    html = page_of(desk, push.waybill)

    offered = set(re.findall(rf"/pushes/{push.pk}/(\w+)/", html))
    assert offered == OPERATIONS[state]


def test_what_a_newer_push_overtook_is_not_offered_again(desk: Client) -> None:
    push = make_push(state="expired", seconds_ago=60)
    push.waybill.lane.sent_through = push.action_time + 1
    push.waybill.lane.save()

    assert "/resend/" not in page_of(desk, push.waybill)


@pytest.mark.parametrize(
    ("verb", "before", "after"), [("resend", "failed", "pending"), ("cancel", "pending", "cancelled")]
)
def test_a_button_of_the_page_does_what_it_says(desk: Client, verb: str, before: str, after: str) -> None:
    push = make_push(state=before)
    url = reverse("admin:waybills_waybill_operate", args=[push.waybill_id, push.pk, verb])

    answer = desk.post(url, {"reason": "客户来电"})

    assert answer["Location"].endswith(f"#push-{push.pk}")
    assert Push.objects.get(pk=push.pk).state == after
    assert Act.objects.get().reason == "客户来电"


def test_pushing_now_from_the_page_makes_it_due(desk: Client) -> None:
    push = make_push()
    Push.objects.filter(pk=push.pk).update(not_before=timezone.now() + timedelta(hours=1))

    desk.post(reverse("admin:waybills_waybill_operate", args=[push.waybill_id, push.pk, "push_now"]))

    assert Push.objects.get(pk=push.pk).not_before <= timezone.now()
    assert Act.objects.get().verb == Act.Verb.PUSH


@pytest.mark.parametrize(("verb", "state"), [("push_now", "pending"), ("resend", "failed")])
def test_while_the_line_is_stopped_a_button_does_not_say_that_it_is_done(
    in_english: Client, superuser: Any, verb: str, state: str
) -> None:
    push = make_push(state=state)
    stop_line(actor=superuser, reason="maintenance")
    url = reverse("admin:waybills_waybill_operate", args=[push.waybill_id, push.pk, verb])

    html = in_english.post(url, follow=True).content.decode()

    assert "1 push waits and goes when the line runs again." in html
    assert "push done" not in html


def test_while_the_line_is_stopped_a_cancelled_push_is_done(in_english: Client, superuser: Any) -> None:
    push = make_push()
    stop_line(actor=superuser, reason="maintenance")
    url = reverse("admin:waybills_waybill_operate", args=[push.waybill_id, push.pk, "cancel"])

    html = in_english.post(url, follow=True).content.decode()

    assert "Cancel the push: 1 push done." in html


def test_without_the_permission_a_push_offers_no_button_and_takes_none(desk_of: Callable[..., Client]) -> None:
    push = make_push(state="failed")
    client = desk_of()

    assert f"/pushes/{push.pk}/" not in page_of(client, push.waybill)
    url = reverse("admin:waybills_waybill_operate", args=[push.waybill_id, push.pk, "resend"])
    assert client.post(url).status_code == 403
    assert Push.objects.get(pk=push.pk).state == "failed"


def test_following_a_link_does_nothing_to_a_push(desk: Client) -> None:
    push = make_push(state="failed")

    url = reverse("admin:waybills_waybill_operate", args=[push.waybill_id, push.pk, "resend"])

    assert desk.get(url).status_code == 405
    assert Push.objects.get(pk=push.pk).state == "failed"


def test_a_push_of_another_waybill_or_an_unknown_verb_is_not_found(desk: Client) -> None:
    push, other = make_push(state="failed"), make_waybill()

    assert desk.post(reverse("admin:waybills_waybill_operate", args=[other.pk, push.pk, "resend"])).status_code == 404
    assert desk.post(reverse("admin:waybills_waybill_operate", args=[push.waybill_id, push.pk, "x"])).status_code == 404
    assert desk.post(reverse("admin:waybills_waybill_operate", args=[4711, push.pk, "resend"])).status_code == 404
    assert not Act.objects.exists()


@pytest.mark.parametrize("pk", ["4711", "no number", "9" * 40])
def test_a_waybill_that_does_not_exist_leads_away(desk: Client, pk: str) -> None:
    assert desk.get(reverse("admin:waybills_waybill_change", args=[pk])).status_code == 302


def test_a_person_who_may_not_view_waybills_sees_none(db: None, client: Client) -> None:
    waybill = make_waybill()
    client.force_login(make_user("waybills.reveal_waybill", "waybills.send_push"))

    assert client.get(reverse("admin:waybills_waybill_change", args=[waybill.pk])).status_code == 403
    assert client.post(reverse("admin:waybills_waybill_reveal", args=[waybill.pk])).status_code == 403
    assert not Act.objects.exists()


@pytest.mark.parametrize(
    ("hours", "leased", "words"),
    [(1, False, "Is due then"), (-1, False, "Is due: goes with the next round"), (-1, True, "Is being sent")],
)
def test_a_pending_push_says_what_it_waits_for(in_english: Client, hours: int, leased: bool, words: str) -> None:
    push = make_push()
    Push.objects.filter(pk=push.pk).update(not_before=timezone.now() + timedelta(hours=hours))
    lane = push.waybill.lane
    lane.leased, lane.wake_at = leased, timezone.now() + timedelta(minutes=2)
    lane.save()

    assert words in text_of(page_of(in_english, push.waybill))
