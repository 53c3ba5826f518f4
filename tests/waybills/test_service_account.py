"""`manage.py service_account`."""

import io
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command

from waybills.api_tokens import find_token
from waybills.models import ApiToken, Scope

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

    assert find_token(first.strip()) is None
    assert find_token(second.strip()).user == user
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


def limits() -> tuple[frozenset[Scope], datetime | None]:
    """Return (scopes, expiry) of the newest token."""
    token = ApiToken.objects.latest("pk")
    return token.scopes, token.expires_at


def test_without_limits_a_token_is_for_everything_and_never_expires() -> None:
    run("oms")

    assert limits() == (frozenset(Scope), None)


def test_a_token_is_limited_to_the_scopes_that_are_named() -> None:
    _, messages = run("oms", "--scope", "read", "--scope", "ingest")

    assert limits() == ({Scope.READ, Scope.INGEST}, None)
    assert "Scopes: ingest, read" in messages


@pytest.mark.parametrize(
    ("when", "moment"),
    [
        ("2099-06-30", datetime(2099, 6, 30, 16, tzinfo=UTC)),
        ("2099-06-30T12:00", datetime(2099, 6, 30, 4, tzinfo=UTC)),
        ("2099-06-30T12:00Z", datetime(2099, 6, 30, 12, tzinfo=UTC)),
    ],
)
def test_a_day_is_meant_to_its_end_and_a_moment_as_it_is(when: str, moment: datetime) -> None:
    run("oms", "--expires", when)

    assert limits()[1] == moment


@pytest.mark.parametrize("when", ["soon", "2099-02-30", "9999-12-31", "2020-01-01", "2020-01-01T00:00Z", ""])
def test_what_is_no_moment_to_come_is_an_error(when: str) -> None:
    with pytest.raises(CommandError, match="expires"):
        run("oms", "--expires", when)

    assert not User.objects.exists()


def test_an_unknown_scope_is_an_error() -> None:
    with pytest.raises(CommandError, match="scope"):
        run("oms", "--scope", "everything")


def test_rotating_does_not_widen_what_a_token_may() -> None:
    run("oms", "--scope", "read", "--expires", "2099-06-30")

    run("oms", "--rotate")

    assert limits() == ({Scope.READ}, None)


def test_rotating_revokes_every_token_of_the_account_and_of_no_other() -> None:
    other, _ = run("erp")
    run("oms")
    ApiToken.objects.create(
        user=User.objects.get(username="oms"), digest=b"second", created_at=datetime(2026, 1, 1, tzinfo=UTC)
    )

    run("oms", "--rotate")

    assert ApiToken.objects.unrevoked().filter(user__username="oms").count() == 1
    assert find_token(other.strip()) is not None
