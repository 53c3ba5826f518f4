"""The desk's login refuses to be tried without end: ten failures in a quarter of an hour for an account or an address.

A try is counted before its password is looked at, so that many at once get no more than ten; one that succeeds is taken
back. In the local memory cache each process counts for itself; a shared one (`CACHE_URL`) counts for all.
"""

import logging
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
from unfold.forms import AuthenticationForm

from waybills.counters import count_down, count_up, forget
from waybills.source import client_address

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Throttle:
    """Counts the failures of an account and of an address apart."""

    most: int = 10
    period: float = 15 * 60
    """Seconds, from the first failure."""

    def admits(self, account: str, address: str | None) -> bool:
        """Count a try; return whether it is still one that may be looked at."""
        counts = [count_up(key, self.period) for key in (_account_key(account), _address_key(address))]
        return max(counts) <= self.most

    def take_back(self, account: str, address: str | None) -> None:
        """Forget the failures of an account that logged in, and the try of its address."""
        forget(_account_key(account))
        count_down(_address_key(address))


LOGINS = Throttle()


class ThrottledAuthenticationForm(AuthenticationForm):  # type: ignore[misc]
    """The login form; beyond the limit no password is looked at, not the right one either."""

    def clean(self) -> dict[str, Any]:
        """Return the cleaned data of whoever gave the right password in time."""
        cleaned: dict[str, Any] = self.cleaned_data
        account = cleaned.get("username")
        if not account:
            return cleaned
        address = client_address(self.request.META, settings.TRUSTED_PROXIES)
        if not LOGINS.admits(account, address):
            logger.warning("a login from %s is refused: too many failures", address)
            raise ValidationError(_("Too many failed logins. Try again in 15 minutes."), code="throttled")
        cleaned = super().clean()
        LOGINS.take_back(account, address)
        return cleaned


def _account_key(account: str) -> str:
    return f"login:account:{salted_hmac('portal.login', account).hexdigest()}"


def _address_key(address: str | None) -> str:
    return f"login:address:{address}"
