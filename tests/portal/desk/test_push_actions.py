"""What a person does to the selected pushes: asked first, done to exactly those, recorded, told."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from tests.factories import make_push, make_waybill
from waybills.admin.push_operations import OPERATIONS
from waybills.models import Act, Push, PushState

LIST = "admin:waybills_push_changelist"
STARTS_FROM = {"push_now": "pending", "resend": "failed", "cancel": "pending"}


def post(client: Client, action: str, *pushes: Push, **fields: str) -> Any:
    values = {"action": action, "_selected_action": [push.pk for push in pushes], **fields}
    return client.post(reverse(LIST), values, follow=True)


def test_each_action_of_the_list_is_an_operation_with_a_test() -> None:
    actions = set(admin.site._registry[Push].actions or ())

    assert actions == set(OPERATIONS) == set(STARTS_FROM)


@pytest.mark.parametrize("action", STARTS_FROM)
def test_an_action_asks_before_it_does_anything(desk: Client, action: str) -> None:
    push = make_push(state=STARTS_FROM[action])

    page = post(desk, action, push)

    assert push.waybill.no in page.content.decode()
    assert 'name="confirmed"' in page.content.decode()
    assert not Act.objects.exists()


@pytest.mark.parametrize(
    ("action", "state", "by_hand", "verb"),
    [
        ("push_now", PushState.PENDING, True, Act.Verb.PUSH),
        ("resend", PushState.PENDING, True, Act.Verb.RESEND),
        ("cancel", PushState.CANCELLED, False, Act.Verb.CANCEL),
    ],
)
def test_a_confirmed_action_is_done_to_the_selected_pushes_only(
    in_english: Client, action: str, state: str, by_hand: bool, verb: str
) -> None:
    chosen, other = make_push(state=STARTS_FROM[action]), make_push(state=STARTS_FROM[action])

    page = post(in_english, action, chosen, confirmed="1", reason="the customer called")

    chosen.refresh_from_db()
    assert (chosen.state, chosen.by_hand) == (state, by_hand)
    other_now = Push.objects.get(pk=other.pk)
    assert (other_now.state, other_now.by_hand, other_now.not_before) == (other.state, False, other.not_before)
    act = Act.objects.get()
    assert (act.verb, act.waybill_no, act.actor.username) == (verb, chosen.waybill.no, "root")
    assert act.reason == ("" if action == "push_now" else "the customer called")
    assert "1 push done." in page.content.decode()


def test_what_cannot_be_done_is_told_with_its_reason(in_english: Client) -> None:
    sent, failed = make_push(state="sent"), make_push(state="failed")

    page = post(in_english, "resend", sent, failed, confirmed="1").content.decode()

    assert "1 push done." in page
    assert f"1 push was left as it was. {sent.waybill.no}: it was sent" in page
    assert Push.objects.get(pk=sent.pk).state == PushState.SENT


def test_a_push_that_something_newer_overtook_says_so(in_english: Client) -> None:
    push = make_push(state="failed", seconds_ago=60)
    push.waybill.lane.sent_through = push.action_time + 1
    push.waybill.lane.save()

    page = post(in_english, "resend", push, confirmed="1").content.decode()

    assert "a newer event of the waybill was sent already" in page


def test_a_push_that_is_not_pending_is_not_cancelled(in_english: Client) -> None:
    push = make_push(state="unbound")

    page = post(in_english, "cancel", push, confirmed="1").content.decode()

    assert f"{push.waybill.no}: not bound" in page


@pytest.mark.parametrize("action", STARTS_FROM)
def test_without_the_permission_an_action_neither_shows_nor_works(desk_of: Callable[..., Client], action: str) -> None:
    push = make_push(state=STARTS_FROM[action])
    client = desk_of()

    page = post(client, action, push, confirmed="1").content.decode()

    assert f'value="{action}"' not in page
    assert not Act.objects.exists()
    assert Push.objects.get(pk=push.pk).state == push.state


@pytest.mark.parametrize("action", STARTS_FROM)
def test_the_permission_alone_is_enough(desk_of: Callable[..., Client], action: str) -> None:
    push = make_push(state=STARTS_FROM[action])
    client = desk_of("waybills.send_push")

    post(client, action, push, confirmed="1")

    assert Act.objects.count() == 1


def test_a_push_leads_to_its_place_in_the_timeline(desk: Client) -> None:
    push = make_push(make_waybill())

    answer = desk.get(reverse("admin:waybills_push_change", args=[push.pk]))

    page = reverse("admin:waybills_waybill_change", args=[push.waybill_id])
    assert answer["Location"] == f"{page}#push-{push.pk}"


def test_a_push_that_does_not_exist_leads_away(desk: Client) -> None:
    assert desk.get(reverse("admin:waybills_push_change", args=[4711])).status_code == 302
