"""Service accounts' tokens at the desk: issued and shown once, limited, revoked; each an act."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from waybills.api_tokens import find_token, issue_token
from waybills.models import Act, ApiToken, Scope

ADD, LIST = reverse("admin:waybills_apitoken_add"), reverse("admin:waybills_apitoken_changelist")


@pytest.fixture
def account(db: None) -> User:
    return User.objects.create_user("oms")


@pytest.fixture
def issued(account: User) -> ApiToken:
    issue_token(ApiToken(user=account, name="OMS"), actor=None)
    return ApiToken.objects.get()


def change(token: ApiToken) -> str:
    return reverse("admin:waybills_apitoken_change", args=[token.pk])


def form(**fields: Any) -> dict[str, Any]:
    return {"name": "ERP", "may_read": "on", "expires_at_0": "", "expires_at_1": "", **fields}


def revoke(client: Client, *tokens: ApiToken) -> Any:
    return client.post(LIST, {"action": "revoke", "_selected_action": [token.pk for token in tokens]}, follow=True)


def test_a_new_token_is_shown_once_and_works(desk: Client, account: User, superuser: User) -> None:
    page = desk.post(ADD, form(user=account.pk, expires_at_0="2099-06-30", expires_at_1="12:00"))

    shown = [word for word in re.findall(r"[\w-]{43}", page.content.decode()) if find_token(word)]
    assert len(shown) == 1
    token = find_token(shown[0])
    assert token is not None
    assert (token.user, token.name, token.scopes) == (account, "ERP", {Scope.READ})
    assert "no-store" in page["Cache-Control"]
    assert "2099-06-30T04:00Z" in Act.objects.get(verb="issue_token", actor=superuser, target=str(token)).reason
    for address in (LIST, change(token)):
        assert shown[0] not in desk.get(address).content.decode()


def test_a_token_needs_a_scope_and_an_end_that_is_to_come(desk: Client, account: User) -> None:
    without_scope = desk.post(ADD, form(user=account.pk, may_read=""))
    past = desk.post(ADD, form(user=account.pk, expires_at_0="2020-01-01", expires_at_1="00:00"))

    assert without_scope.context["errors"]
    assert past.context["errors"]
    assert not ApiToken.objects.exists()


def test_a_person_s_account_gets_no_token(desk: Client, superuser: User) -> None:
    page = desk.post(ADD, form(user=superuser.pk))

    assert page.context["errors"]
    assert not ApiToken.objects.exists()


def test_scopes_and_expiry_are_changed_and_the_owner_is_not(desk: Client, issued: ApiToken, superuser: User) -> None:
    other = User.objects.create_user("other")

    desk.post(change(issued), form(user=other.pk, expires_at_0="2099-06-30", expires_at_1="12:00"))

    issued.refresh_from_db()
    assert (issued.name, issued.user.username, issued.scopes) == ("ERP", "oms", {Scope.READ})
    assert issued.expires_at is not None
    assert Act.objects.get(verb="change_token", actor=superuser).reason.startswith("read until 2099")


def test_a_token_that_expired_can_still_be_renamed(desk: Client, issued: ApiToken) -> None:
    moment = timezone.localtime(timezone.now() - timedelta(days=1)).replace(microsecond=0)
    ApiToken.objects.update(expires_at=moment)

    desk.post(change(issued), form(expires_at_0=moment.strftime("%Y-%m-%d"), expires_at_1=moment.strftime("%H:%M:%S")))

    assert ApiToken.objects.get().name == "ERP"


def test_revoking_acts_on_the_selection_and_is_for_good(desk: Client, issued: ApiToken, superuser: User) -> None:
    kept = issue_token(ApiToken(user=issued.user, name="kept"), actor=None)

    page = revoke(desk, issued)

    issued.refresh_from_db()
    assert issued.revoked_at is not None
    assert find_token(kept) is not None
    assert Act.objects.get(verb="revoke_token").target == str(issued)
    assert page.status_code == 200
    assert desk.post(change(issued), form()).status_code == 403
    revoke(desk, issued)
    assert Act.objects.filter(verb="revoke_token").count() == 1


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, "生效中"),
        ({"expires_at": timezone.now() - timedelta(days=1)}, "已过期"),
        ({"revoked_at": timezone.now()}, "已吊销"),
    ],
    ids=["in force", "expired", "revoked"],
)
def test_the_list_says_whether_a_token_is_in_force(
    desk: Client, issued: ApiToken, fields: dict[str, Any], state: str
) -> None:
    ApiToken.objects.update(**fields, last_used_at=timezone.now())

    page = desk.get(LIST).content.decode()

    assert state in page
    assert "ingest, push, read" in page


def test_the_list_says_that_the_account_is_switched_off(desk: Client, issued: ApiToken) -> None:
    User.objects.filter(pk=issued.user.pk).update(is_active=False)

    assert "账号已停用" in desk.get(LIST).content.decode()


def test_who_only_views_neither_issues_nor_revokes(desk_of: Callable[..., Client], issued: ApiToken) -> None:
    viewer = desk_of("waybills.view_apitoken")

    revoke(viewer, issued)

    assert viewer.get(LIST).status_code == 200
    assert viewer.post(ADD, form(user=issued.user.pk)).status_code == 403
    assert viewer.post(change(issued), form()).status_code == 403
    assert viewer.post(reverse("admin:waybills_apitoken_delete", args=[issued.pk]), {"post": "yes"}).status_code == 403
    assert ApiToken.objects.get().state(timezone.now()) == "in_force"
