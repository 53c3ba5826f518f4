"""Everything that one running sandbox knows; it ends with the process."""

from collections.abc import Callable
from typing import Any

from wechat.sandbox.config import SandboxConfig
from wechat.sandbox.errors import INVALID_CREDENTIAL, TOKEN_MISSING, ApiError
from wechat.sandbox.faults import FaultBook
from wechat.sandbox.ledger import Entry, Ledger
from wechat.sandbox.phones import Phones
from wechat.sandbox.tokens import StableTokens, SuccessiveTokens

_SHOWN_CALLS = 40


class World:
    """The state behind the API and the pages. now: the time in Unix seconds."""

    def __init__(self, config: SandboxConfig, now: Callable[[], float]) -> None:
        self.config = config
        self.now = now
        self.stable_tokens = StableTokens()
        self.successive_tokens = SuccessiveTokens()
        self.faults = FaultBook()
        self.ledger = Ledger(config.ledger_size)
        self.phones = Phones(bind_all=config.bind_all, bound=config.bound)
        self.version = 1
        """Grows with each change that a page shows."""

    def touch(self) -> None:
        """Tell the pages that something has changed."""
        self.version += 1

    def close(self, entry: Entry) -> None:
        """Write a call into the ledger."""
        self.ledger.close(entry)
        self.touch()

    def check_token(self, access_token: str) -> None:
        """Return where a call may be made with the token; raise ApiError 41001, 40001 or 42001 otherwise."""
        if not access_token:
            raise ApiError(TOKEN_MISSING)
        now = self.now()
        verdict = self.stable_tokens.judge(access_token, now)
        if verdict is None:
            verdict = self.successive_tokens.judge(access_token, now)
        if verdict != 0:
            raise ApiError(INVALID_CREDENTIAL if verdict is None else verdict)

    def expire_tokens(self) -> None:
        """End the tokens of both worlds now."""
        self.stable_tokens.expire(self.now())
        self.successive_tokens.expire(self.now())
        self.touch()

    def described(self, digits: str = "") -> dict[str, Any]:
        """Return what the page shows; with digits, of the phones those whose number has them."""
        return {
            "version": self.version,
            "mode": self.config.mode,
            "format": self.config.format,
            "callback_url": self.config.callback_url,
            "bind_all": self.config.bind_all,
            "back_query": self.config.back_query,
            "token_seconds_left": self.stable_tokens.seconds_left(self.now()),
            "phones_known": len(self.phones),
            "phones": self.phones.described(digits),
            "messages_sent": self.phones.messages_sent,
            "newest_message": self.phones.newest_message,
            "counts": self.ledger.counts(),
            "calls": self.ledger.newest(_SHOWN_CALLS),
            "faults": self.faults.described(),
        }
