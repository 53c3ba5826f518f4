"""Why nothing goes out now: the line is stopped, or WeChat gives no access token."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from waybills.models import Line
from wechat.models import AccessToken

Text = str | Promise


@dataclass(frozen=True, slots=True)
class TokenTrouble:
    """That there is no access token. failure: what the last renewal met."""

    since: datetime
    failure: str
    remedy: Text


@dataclass(frozen=True, slots=True)
class Holdup:
    """What keeps every push back, and when they go on, in a sentence each."""

    what: Text
    until: Text


LINE_STOPPED = Holdup(_("Held back: the line is stopped"), _("It goes when the line runs again."))
NO_TOKEN = Holdup(
    _("Held back: there is no access token"), _("It goes by itself as soon as WeChat gives an access token.")
)
_REMEDY = _(
    "Check that this server reaches {address} (network, DNS, firewall, proxy), then what the message says. "
    "It is tried again by itself, and the pushes wait until then."
)


def token_trouble(now: datetime) -> TokenTrouble | None:
    """Return why there is no access token; None while the last one still works, or nobody has failed to renew it."""
    row = AccessToken.objects.filter(failing_since__isnull=False).defer("sealed").first()
    if row is None or row.failing_since is None or (row.expires_at is not None and row.expires_at > now):
        return None
    since = max(row.failing_since, row.expires_at or row.failing_since)
    return TokenTrouble(since, row.failure, format_lazy(_REMEDY, address=settings.WECHAT.api_base))


def holdup(line: Line, token: TokenTrouble | None) -> Holdup | None:
    """Return what keeps pushes back; the line comes first: without it nobody asks for a token."""
    if line.state == Line.State.STOPPED:
        return LINE_STOPPED
    return NO_TOKEN if token is not None else None
