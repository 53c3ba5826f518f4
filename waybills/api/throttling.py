"""How many requests an account may send (`API_RATE`): a brake for a client that runs wild, not what holds the load."""

import time

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from waybills.counters import count_in_window


def wait_before(account: int | None, now: float) -> float:
    """Count a request of an account; return 0 where it may still send it, else the seconds until the next window."""
    most, period = settings.API.rate
    is_within = count_in_window(f"api:rate:{account}", now, period) <= most
    return 0.0 if is_within else period - now % period


class AccountThrottle(BaseThrottle):
    """Counts the requests of an account, by whichever of its tokens, in windows of the rate's period."""

    _wait = 0.0

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Count a request; return whether it is one that the account may still send."""
        self._wait = wait_before(request.user.pk, time.time())
        return not self._wait

    def wait(self) -> float:
        """Return the seconds until the next window."""
        return self._wait
