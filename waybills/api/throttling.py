"""How many requests an account may send (`API_RATE`): a brake for a client that runs wild, not what holds the load."""

import time

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from waybills.counters import count_up


class AccountThrottle(BaseThrottle):
    """Counts the requests of an account, by whichever of its tokens, in windows of the rate's period."""

    _wait = 0.0

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Count a request; return whether it is one that the account may still send."""
        most, period = settings.API.rate
        now = time.time()
        self._wait = period - now % period
        return count_up(f"api:rate:{request.user.pk}:{int(now) // period}", period) <= most

    def wait(self) -> float:
        """Return the seconds until the next window."""
        return self._wait
