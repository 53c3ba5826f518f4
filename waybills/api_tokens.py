"""Which account has this token and what may it do; and what staff do to tokens, each act recorded.

A token names an account. Its scopes and the account's permissions both limit it: a request needs one of each.
"""

from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from waybills.database import is_postgresql
from waybills.models import Act, ApiToken, ApiTokenQuerySet, Scope

SCOPE_OF = {
    "waybills.add_waybill": Scope.INGEST,
    "waybills.add_path": Scope.INGEST,
    "waybills.void_path": Scope.INGEST,
    "waybills.view_waybill": Scope.READ,
    "waybills.view_push": Scope.READ,
    "waybills.view_cell": Scope.READ,
    "waybills.view_line": Scope.READ,
    "waybills.send_push": Scope.PUSH,
    "waybills.change_cell": Scope.PUSH,
    "waybills.operate_line": Scope.PUSH,
}
"""The scope that the use of a permission takes; these are the permissions of a service account."""

_NOTED_FOR = timedelta(minutes=1)
# Whoever notes it at this moment does so for everybody: nobody waits for that row.
_NOTE_USE = {
    True: "UPDATE waybills_apitoken SET last_used_at = %s WHERE id IN"
    " (SELECT id FROM waybills_apitoken WHERE id = %s FOR UPDATE SKIP LOCKED)",
    False: "UPDATE waybills_apitoken SET last_used_at = %s WHERE id = %s",
}


def find_token(secret: str, now: datetime | None = None) -> ApiToken | None:
    """Return the token in force, with its account; None for an unknown, revoked or expired one. Notes its use."""
    return _find(now or timezone.now(), digest=ApiToken.digest_of(secret))


def find_token_by_id(token_id: int, now: datetime | None = None) -> ApiToken | None:
    """Return the token that this portal itself named by its id, as `find_token` does."""
    return _find(now or timezone.now(), pk=token_id)


def _find(moment: datetime, **named: int | bytes) -> ApiToken | None:
    found = ApiToken.objects.in_force(moment).select_related("user").filter(**named).first()
    if found is not None and (found.last_used_at is None or moment - found.last_used_at >= _NOTED_FOR):
        _note_use(found, moment)
    return found


def _note_use(token: ApiToken, now: datetime) -> None:
    """Write when a token was last used, unless that would have to wait; the next call writes it then."""
    if is_postgresql():
        _write_use(token, now)
        return
    with connection.cursor() as cursor:
        patience = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute("PRAGMA busy_timeout = 0")
        try:
            _write_use(token, now)
        except OperationalError:
            pass
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {int(patience)}")


def _write_use(token: ApiToken, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_NOTE_USE[is_postgresql()], [now, token.pk])
    token.last_used_at = now


def has_scope(token: ApiToken, permission: str) -> bool:
    """Return whether the token's scopes allow the use of a permission."""
    return SCOPE_OF[permission] in token.scopes


def may(token: ApiToken, permission: str) -> bool:
    """Return whether the token's scopes and its account's permissions allow something."""
    return has_scope(token, permission) and token.user.has_perm(permission)


def issue_token(token: ApiToken, *, actor: User | None) -> str:
    """Save a new token row and return the token itself, which is kept nowhere. actor: None at the command line."""
    secret = ApiToken.make()
    token.digest, token.created_at = ApiToken.digest_of(secret), timezone.now()
    with transaction.atomic():
        token.save(force_insert=True)
        _record(actor, Act.Verb.ISSUE_TOKEN, token)
    return secret


def change_token(token: ApiToken, *, actor: User) -> None:
    """Save what a token is for, its scopes and its expiry."""
    with transaction.atomic():
        token.save(update_fields=["name", "may_ingest", "may_read", "may_push", "expires_at"])
        _record(actor, Act.Verb.CHANGE_TOKEN, token)


def revoke_tokens(tokens: ApiTokenQuerySet, *, actor: User | None) -> int:
    """Put tokens out of force for good, from the next request on; return how many that were."""
    with transaction.atomic():
        revoked = list(tokens.unrevoked().select_related("user").order_by("pk").select_for_update(of=("self",)))
        ApiToken.objects.filter(pk__in=[token.pk for token in revoked]).update(revoked_at=timezone.now())
        for token in revoked:
            _record(actor, Act.Verb.REVOKE_TOKEN, token)
    return len(revoked)


def _record(actor: User | None, verb: Act.Verb, token: ApiToken) -> None:
    if actor is None:
        return
    until = f" until {token.expires_at.astimezone(UTC):%Y-%m-%dT%H:%MZ}" if token.expires_at else ""
    Act.objects.record(actor, verb, target=str(token), reason=", ".join(sorted(token.scopes)) + until)
