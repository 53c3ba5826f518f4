"""`manage.py service_account NAME`: an account for the carrier's own systems."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import Permission, User
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from waybills.models import ApiToken

PERMISSIONS = frozenset(
    {
        "add_waybill",
        "view_waybill",
        "add_path",
        "void_path",
        "view_push",
        "send_push",
        "view_cell",
        "change_cell",
        "view_line",
        "operate_line",
    }
)


class Command(BaseCommand):
    """Makes the account, or a new token for it; the token alone goes to standard output."""

    help = "Makes an account that may ingest, void, read, push, set cells and the line; prints its API token."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the account's name, and whether its token is to be replaced."""
        parser.add_argument("name")
        parser.add_argument("--rotate", action="store_true", help="replace the token of an existing account")

    def handle(self, *args: Any, name: str, rotate: bool, **options: Any) -> None:
        """Print the new token; everything else goes to standard error."""
        token = ApiToken.make()
        with transaction.atomic():
            if rotate:
                _rotate(name, token)
            else:
                _create(name, token)
        said = "The former token is void." if rotate else "This token is shown once."
        self.stderr.write(f"Service account {name}. {said}")
        self.stdout.write(token)


def _create(name: str, token: str) -> None:
    if User.objects.filter(username=name).exists():
        raise CommandError(f"{name} exists; --rotate replaces the token of a service account.")
    user = User(username=name)
    user.set_unusable_password()
    try:
        user.full_clean()
    except ValidationError as error:
        raise CommandError(f"{name} cannot be the name of an account: {' '.join(error.messages)}") from error
    user.save()
    user.user_permissions.set(_permissions())
    ApiToken.objects.create(user=user, digest=ApiToken.digest_of(token), created_at=timezone.now())


def _rotate(name: str, token: str) -> None:
    replaced = ApiToken.objects.filter(user__username=name).update(
        digest=ApiToken.digest_of(token), created_at=timezone.now()
    )
    if not replaced:
        raise CommandError(f"{name} is no service account; without --rotate one is made.")


def _permissions() -> list[Permission]:
    found = list(Permission.objects.filter(content_type__app_label="waybills", codename__in=PERMISSIONS))
    if len(found) != len(PERMISSIONS):
        raise CommandError("Permissions are missing: run manage.py migrate first.")
    return found
