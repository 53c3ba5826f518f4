"""Access tokens as WeChat gives them out: two worlds, `stable_token` and the older `token`.

Every moment is passed in, in Unix seconds. Source: message-push.md, "access_token".
"""

import secrets
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

from wechat.sandbox.errors import DAY_QUOTA_USED_UP, INVALID_CREDENTIAL, TOKEN_EXPIRED, ApiError

LIFETIME = 7200
HANDOVER = 300
"""Seconds before its end in which a stable token is replaced, and for which both then work."""
FORCED_A_DAY = 20
FORCED_APART = 30
SUPERSEDED_AFTER = 10
"""Seconds that an older token outlives the next one of its kind."""
_REMEMBERED = 1000
_CHINA = 8 * 3600


@dataclass(frozen=True, slots=True)
class Issued:
    """A token as it is handed out. expires_in: seconds."""

    access_token: str
    expires_in: int


@dataclass(frozen=True, slots=True)
class _Life:
    until: float
    afterwards: int
    """What a call with the token is answered from then on."""


class Registry:
    """Which tokens work until when; it forgets the oldest beyond a thousand."""

    def __init__(self) -> None:
        self._lives: OrderedDict[str, _Life] = OrderedDict()

    def let_live(self, token: str, until: float, afterwards: int = TOKEN_EXPIRED) -> None:
        """Let a token work until a moment, and be answered with a code from then on."""
        self._lives[token] = _Life(until, afterwards)
        if len(self._lives) > _REMEMBERED:
            self._lives.popitem(last=False)

    def judge(self, token: str, now: float) -> int | None:
        """Return 0 for a token that works, the code for one that did, None for one that this world never gave."""
        life = self._lives.get(token)
        if life is None:
            return None
        return 0 if now < life.until else life.afterwards


def new_token() -> str:
    """Return a token such as WeChat's: 136 characters that mean nothing."""
    return f"{secrets.randbelow(90) + 10}_{secrets.token_urlsafe(100)[:133]}"


class StableTokens:
    """`stable_token`: the same token for everyone until it turns."""

    def __init__(self, new: Callable[[], str] = new_token) -> None:
        self._new = new
        self._registry = Registry()
        self._current = ""
        self._expires_at = 0.0
        self._forced: deque[float] = deque(maxlen=FORCED_A_DAY)

    def issue(self, now: float) -> Issued:
        """Return the current token; a new one within its last five minutes, when both work for five more."""
        left = self._expires_at - now
        if left > HANDOVER:
            return Issued(self._current, int(left))
        if left > 0:
            self._registry.let_live(self._current, now + HANDOVER, INVALID_CREDENTIAL)
        return self._turn(now)

    def force(self, now: float) -> Issued:
        """Return a new token and void the old one at once; within 30 seconds of the last time the current one.

        Raise ApiError 45009 after 20 times on one day in China.
        """
        if self._forced and now - self._forced[-1] < FORCED_APART:
            return self.issue(now)
        if len(self._forced) == FORCED_A_DAY and _day(self._forced[0]) == _day(now):
            raise ApiError(DAY_QUOTA_USED_UP, "force_refresh is used up for today")
        self._forced.append(now)
        self._registry.let_live(self._current, now, INVALID_CREDENTIAL)
        return self._turn(now)

    def expire(self, now: float) -> None:
        """End the current token now: calls with it are answered 42001, and the next issue makes a new one."""
        self._registry.let_live(self._current, now)
        self._expires_at = now

    def judge(self, token: str, now: float) -> int | None:
        """Return what `Registry.judge` says."""
        return self._registry.judge(token, now)

    def seconds_left(self, now: float) -> int:
        """Return how long the current token still works; 0 where there is none."""
        return max(0, int(self._expires_at - now))

    def _turn(self, now: float) -> Issued:
        self._current, self._expires_at = self._new(), now + LIFETIME
        self._registry.let_live(self._current, self._expires_at)
        return Issued(self._current, LIFETIME)


class SuccessiveTokens:
    """The older `token`: each call makes a new one and soon voids the last."""

    def __init__(self, new: Callable[[], str] = new_token) -> None:
        self._new = new
        self._registry = Registry()
        self._current = ""

    def issue(self, now: float) -> Issued:
        """Return a new token."""
        if self._current:
            self._registry.let_live(self._current, now + SUPERSEDED_AFTER, INVALID_CREDENTIAL)
        self._current = self._new()
        self._registry.let_live(self._current, now + LIFETIME)
        return Issued(self._current, LIFETIME)

    def expire(self, now: float) -> None:
        """End the current token now."""
        self._registry.let_live(self._current, now)

    def judge(self, token: str, now: float) -> int | None:
        """Return what `Registry.judge` says."""
        return self._registry.judge(token, now)


def _day(moment: float) -> int:
    return int((moment + _CHINA) // 86400)
