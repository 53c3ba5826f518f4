"""`manage.py service_account`."""

import io

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command

from waybills.models import ApiToken

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> tuple[str, str]:
    output, messages = io.StringIO(), io.StringIO()
    call_command("service_account", *arguments, stdout=output, stderr=messages)
    return output.getvalue(), messages.getvalue()


def test_the_new_token_stands_alone_on_standard_output() -> None:
    output, messages = run("oms")

    token = output.removesuffix("\n")
    assert ApiToken.objects.get().digest is not None
    assert bytes(ApiToken.objects.get().digest) == ApiToken.digest_of(token)
    assert not set(token) & set(" \n")
    assert token not in messages
    assert "oms" in messages


def test_the_account_may_do_what_the_contract_says_and_no_more() -> None:
    run("oms")

    user = User.objects.get(username="oms")
    assert user.get_all_permissions() == {
        "waybills.add_waybill",
        "waybills.view_waybill",
        "waybills.add_path",
        "waybills.void_path",
        "waybills.view_push",
        "waybills.send_push",
        "waybills.view_cell",
        "waybills.change_cell",
        "waybills.view_line",
        "waybills.operate_line",
    }
    assert not user.has_usable_password()
    assert not user.is_staff
    assert not user.is_superuser


def test_an_existing_name_is_an_error_and_keeps_its_token() -> None:
    run("oms")
    before = bytes(ApiToken.objects.get().digest)

    with pytest.raises(CommandError, match="oms exists"):
        run("oms")

    assert bytes(ApiToken.objects.get().digest) == before


def test_rotating_replaces_the_token_and_nothing_else() -> None:
    first, _ = run("oms")
    user = User.objects.get(username="oms")
    user.user_permissions.set([Permission.objects.get(codename="view_push")])

    second, messages = run("oms", "--rotate")

    assert second != first
    assert bytes(ApiToken.objects.get().digest) == ApiToken.digest_of(second.strip())
    assert list(user.user_permissions.values_list("codename", flat=True)) == ["view_push"]
    assert "void" in messages


@pytest.mark.parametrize("name", ["nobody", "admin"])
def test_only_a_service_account_is_rotated(admin_user: User, name: str) -> None:
    with pytest.raises(CommandError, match="no service account"):
        run(name, "--rotate")


@pytest.mark.parametrize("name", ["", "two words", "x" * 151])
def test_a_name_that_no_account_can_have_is_an_error(name: str) -> None:
    with pytest.raises(CommandError, match="cannot be the name"):
        run(name)

    assert not User.objects.exists()


def test_without_the_permissions_nothing_is_made() -> None:
    Permission.objects.filter(codename="void_path").delete()

    with pytest.raises(CommandError, match="migrate"):
        run("oms")

    assert not User.objects.exists()
