"""An account's permissions, by one query and the same as Django's."""

import pytest
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser, Group, Permission, User

from tests.statements import counted_statements
from waybills.permissions_backend import PermissionsBackend

pytestmark = pytest.mark.django_db


def permission(codename: str) -> Permission:
    return Permission.objects.get(codename=codename)


@pytest.fixture
def user() -> User:
    """An account with a permission of its own, one of a group, and one of both."""
    account = User.objects.create_user("oms")
    group = Group.objects.create(name="senders")
    group.permissions.add(permission("add_path"), permission("add_waybill"))
    account.groups.add(group, Group.objects.create(name="nothing"))
    account.user_permissions.add(permission("view_push"), permission("add_waybill"))
    return account


def test_own_and_group_s_permissions_are_one_query_and_kept(user: User) -> None:
    with counted_statements() as statements:
        assert user.has_perm("waybills.add_path")
        assert user.has_perms(("waybills.add_waybill", "waybills.view_push"))
        assert not user.has_perm("waybills.send_push")
        assert not user.has_perm("auth.add_path")

    assert len(statements) == 1


def test_they_are_the_same_as_django_s(user: User) -> None:
    one, other = User.objects.get(), User.objects.get()

    assert PermissionsBackend().get_all_permissions(one) == ModelBackend().get_all_permissions(other) != set()


def test_who_is_inactive_or_nobody_has_none_and_a_superuser_has_all(user: User) -> None:
    user.is_active = False
    assert PermissionsBackend().get_all_permissions(user) == set()
    assert PermissionsBackend().get_all_permissions(AnonymousUser()) == set()

    root = User.objects.create_superuser("root")
    assert root.has_perm("waybills.send_push")
    assert "waybills.send_push" in root.get_all_permissions()


def test_no_object_has_permissions_of_its_own(user: User) -> None:
    assert PermissionsBackend().get_all_permissions(user, obj=object()) == set()
