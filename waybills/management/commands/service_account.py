"""`manage.py service_account NAME`: an account for the carrier's own systems."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime, time, timedelta
from typing import Any

from django.contrib.auth.models import Permission, User
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from waybills.api_tokens import SCOPE_OF, issue_token, revoke_tokens
from waybills.models import ApiToken, Scope

PERMISSIONS = frozenset(permission.removeprefix("waybills.") for permission in SCOPE_OF)


class Command(BaseCommand):
    """Makes the account, or a new token for it; the token alone goes to standard output."""

    help = "Makes an account that may ingest, void, read, push, set cells and the line; prints its API token."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the account's name, whether its tokens are to be replaced, and the new one's limits."""
        parser.add_argument("name")
        parser.add_argument("--rotate", action="store_true", help="replace the tokens of an existing account")
        parser.add_argument(
            "--scope",
            action="append",
            choices=Scope.values,
            dest="scopes",
            help="what the token may be used for; may be given again. Default: all; with --rotate, as before",
        )
        parser.add_argument(
            "--expires",
            type=moment,
            metavar="WHEN",
            help="until the end of a day (2027-06-30) or until a moment (2027-06-30T12:00+08:00). Default: never",
        )

    def handle(self, *args: Any, name: str, rotate: bool, **options: Any) -> None:
        """Print the new token; everything else goes to standard error."""
        scopes = [Scope(value) for value in options["scopes"] or ()]
        with transaction.atomic():
            token = _replacement(name) if rotate else ApiToken(user=_new_account(name))
            token.scopes = frozenset(scopes) or token.scopes
            token.expires_at = options["expires"]
            secret = issue_token(token, actor=None)
        said = "The former token is void." if rotate else "This token is shown once."
        limits = f"Scopes: {', '.join(sorted(token.scopes))}; expires: {token.expires_at or 'never'}."
        self.stderr.write(f"Service account {name}. {said} {limits}")
        self.stdout.write(secret)


def moment(text: str) -> datetime:
    """Return when a token expires; of a day, its end."""
    try:
        day = parse_date(text)
        moment = datetime.combine(day + timedelta(days=1), time()) if day else parse_datetime(text)
    except (ValueError, OverflowError):
        moment = None
    if moment is None:
        raise ArgumentTypeError("neither a day nor a moment: 2027-06-30 or 2027-06-30T12:00+08:00")
    aware = moment if timezone.is_aware(moment) else timezone.make_aware(moment)
    if aware <= timezone.now():
        raise ArgumentTypeError("it is past already")
    return aware


def _new_account(name: str) -> User:
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
    return user


def _replacement(name: str) -> ApiToken:
    """Revoke the account's tokens; return a new one, unsaved, with the scopes of the newest."""
    former = ApiToken.objects.select_related("user").filter(user__username=name)
    newest = former.unrevoked().first() or former.first()
    if newest is None:
        raise CommandError(f"{name} is no service account; without --rotate one is made.")
    revoke_tokens(former, actor=None)
    return ApiToken(
        user=newest.user,
        name=newest.name,
        may_ingest=newest.may_ingest,
        may_read=newest.may_read,
        may_push=newest.may_push,
    )


def _permissions() -> list[Permission]:
    found = list(Permission.objects.filter(content_type__app_label="waybills", codename__in=PERMISSIONS))
    if len(found) != len(PERMISSIONS):
        raise CommandError("Permissions are missing: run manage.py migrate first.")
    return found
