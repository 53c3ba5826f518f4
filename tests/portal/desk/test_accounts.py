"""Who may edit whom: an account that may change users leads to no more rights than it has."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse

from tests.factories import make_user

PASSWORD = "a rather long password"


@pytest.fixture
def manager(client: Client, db: None) -> User:
    """Return a member of staff who may do everything with accounts and roles, logged in."""
    actions = ("view", "add", "change", "delete")
    user = make_user(*(f"auth.{action}_{noun}" for action in actions for noun in ("user", "group")))
    client.force_login(user)
    return user


def fields_of(user: User, **fields: Any) -> dict[str, Any]:
    return {
        "username": user.username,
        "is_active": "on",
        "is_staff": "on",
        "date_joined_0": "2026-01-01",
        "date_joined_1": "00:00:00",
    } | fields


def change(user: User) -> str:
    return reverse("admin:auth_user_change", args=[user.pk])


def test_a_manager_of_accounts_gives_no_rights(client: Client, manager: User) -> None:
    role = Group.objects.create(name="客服")
    permission = Permission.objects.get(codename="reveal_waybill")
    rights = {"is_superuser": "on", "groups": [role.pk], "user_permissions": [permission.pk]}

    for user in (manager, make_user()):
        had = set(user.get_all_permissions())
        answer = client.post(change(user), fields_of(user, first_name="小李", **rights))

        user = User.objects.get(pk=user.pk)
        assert (answer.status_code, user.first_name) == (302, "小李")
        assert (user.is_superuser, user.groups.exists(), user.get_all_permissions()) == (False, False, had)


def test_a_manager_of_accounts_makes_no_service_account_of_a_colleague(client: Client, manager: User) -> None:
    colleague = make_user()

    client.post(change(colleague), fields_of(colleague, is_staff=""))

    assert User.objects.get(pk=colleague.pk).is_staff


def test_a_superuser_gives_rights(desk: Client) -> None:
    user, role = make_user(), Group.objects.create(name="客服")

    desk.post(change(user), fields_of(user, is_superuser="on", groups=[role.pk]))

    user.refresh_from_db()
    assert (user.is_superuser, user.groups.get()) == (True, role)


def test_a_superuser_s_account_is_edited_by_superusers_only(client: Client, manager: User, superuser: User) -> None:
    answer = client.post(change(superuser), fields_of(superuser, username="mine"))

    superuser.refresh_from_db()
    assert (answer.status_code, superuser.username) == (403, "root")


def test_a_password_is_set_by_superusers_only(client: Client, manager: User, superuser: User) -> None:
    form = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true", "set-password": "1"}

    for user in (superuser, make_user(password="another long password"), manager):
        url = reverse("admin:auth_user_password_change", args=[user.pk])
        assert client.post(url, form).status_code == 403
        assert not User.objects.get(pk=user.pk).check_password(PASSWORD)


def test_a_superuser_sets_a_password(desk: Client) -> None:
    user = make_user()
    form = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true", "set-password": "1"}

    desk.post(reverse("admin:auth_user_password_change", args=[user.pk]), form)

    assert User.objects.get(pk=user.pk).check_password(PASSWORD)


def test_roles_are_edited_by_superusers_only(client: Client, manager: User) -> None:
    role = Group.objects.create(name="客服")
    manager.groups.add(role)
    permission = Permission.objects.get(codename="reveal_waybill")

    changed = client.post(
        reverse("admin:auth_group_change", args=[role.pk]), {"name": "x", "permissions": [permission.pk]}
    )
    added = client.post(reverse("admin:auth_group_add"), {"name": "y", "permissions": [permission.pk]})
    deleted = client.post(reverse("admin:auth_group_delete", args=[role.pk]), {"post": "yes"})

    assert [answer.status_code for answer in (changed, added, deleted)] == [403, 403, 403]
    assert (role.permissions.exists(), Group.objects.count()) == (False, 1)


def test_a_superuser_edits_and_deletes_a_role(desk: Client) -> None:
    role = Group.objects.create(name="客服")

    desk.post(reverse("admin:auth_group_change", args=[role.pk]), {"name": "客服一组"})
    assert Group.objects.get().name == "客服一组"
    desk.post(reverse("admin:auth_group_delete", args=[role.pk]), {"post": "yes"})

    assert not Group.objects.exists()
