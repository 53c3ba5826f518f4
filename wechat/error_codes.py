"""WeChat's error codes: what each means, what staff do about it, and how the sender reacts.

The table of `REACTIONS` is the one place that says so; docs/protocol.md explains it in words. Source: the
specification, section 6, and WeChat's pages on access tokens and quotas.
"""

from dataclasses import dataclass, replace
from enum import Enum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

OK = 0
SYSTEM_BUSY = -1
_REFUSED, _WRONG_SECRET = 40001, 40125
QUOTA_USED_UP = 45009


class Reaction(Enum):
    """What a code asks of the sender."""

    SETTLE = "done; see exist"
    LOST = "nothing is known of the outcome: as if no answer had come"
    RENEW_TOKEN = "renew the token once, repeat once"  # noqa: S105 - a sentence
    STOP_LINE = "stop the line until a person resumes it"
    STOP_AND_PROBE = "stop the line and probe it now and then"
    STOP_UNTIL_MIDNIGHT = "stop the line until midnight in China, then probe"
    SLOW_DOWN = "wait, retry, and send less at once"
    THREE_TRIES = "try three times, then staff"
    FINAL = "never again by itself: staff correct the data"


STOPS = frozenset({Reaction.STOP_LINE, Reaction.STOP_AND_PROBE, Reaction.STOP_UNTIL_MIDNIGHT})
"""The reactions that stop the line."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """A code in the words of the desk."""

    code: int
    meaning: str | Promise
    remedy: str | Promise
    reaction: Reaction

    @property
    def is_left_alone(self) -> bool:
        """Return whether nobody has to do anything: it is tried again by itself."""
        return self.remedy is _NOTHING


_NOTHING = _("Nothing: it is tried again by itself.")
_MEND_CALLBACK = _("Look at this waybill's callbacks; check that the callback address is reachable and answers in 5 s.")
_COMPARE = _("Compare the back-query's answer with what was pushed: phone, event and creation time must agree.")

_ROWS = (
    (OK, Reaction.SETTLE, _("Done."), _("Nothing.")),
    (SYSTEM_BUSY, Reaction.LOST, _("WeChat is busy."), _NOTHING),
    (40001, Reaction.RENEW_TOKEN, _("The access token is not valid."), _NOTHING),
    (40014, Reaction.RENEW_TOKEN, _("The access token is not valid."), _NOTHING),
    (41001, Reaction.RENEW_TOKEN, _("The access token is missing."), _NOTHING),
    (42001, Reaction.RENEW_TOKEN, _("The access token has expired."), _NOTHING),
    (40013, Reaction.STOP_LINE, _("The appid is not valid."), _("Correct WECHAT_APPID.")),
    (40125, Reaction.STOP_LINE, _("The secret is not valid."), _("Correct WECHAT_SECRET.")),
    (
        40164,
        Reaction.STOP_AND_PROBE,
        _("This server's address is not on the mini program's IP white list."),
        _("Add the address named in the message to the white list in WeChat's console; it works after 5 minutes."),
    ),
    (40243, Reaction.STOP_LINE, _("The secret is frozen."), _("Unfreeze the secret in WeChat's console.")),
    (41002, Reaction.STOP_LINE, _("The appid is missing."), _("Set WECHAT_APPID.")),
    (41004, Reaction.STOP_LINE, _("The secret is missing."), _("Set WECHAT_SECRET.")),
    (48001, Reaction.STOP_LINE, _("The mini program may not call this."), _("Ask WeChat to grant the interface.")),
    (
        89503,
        Reaction.STOP_LINE,
        _("The call waits for an administrator's confirmation."),
        _("The mini program's administrator confirms it in WeChat."),
    ),
    (
        150004,
        Reaction.STOP_AND_PROBE,
        _("WeChat has not set this mini program up as a carrier."),
        _("Ask WeChat's contact to finish the carrier's configuration."),
    ),
    (
        QUOTA_USED_UP,
        Reaction.STOP_UNTIL_MIDNIGHT,
        _("Today's quota is used up."),
        _("Wait for midnight, or ask for more."),
    ),
    (45011, Reaction.SLOW_DOWN, _("Too many calls in a minute."), _NOTHING),
    (40097, Reaction.FINAL, _("A parameter is wrong."), _("Correct the waybill's data, then resend.")),
    (47001, Reaction.FINAL, _("The data's format is wrong."), _("Correct the waybill's data, then resend.")),
    (932001, Reaction.SLOW_DOWN, _("The back-query failed: our callback did not answer WeChat."), _MEND_CALLBACK),
    (932002, Reaction.THREE_TRIES, _("The back-query was refused: our callback answered with an error."), _COMPARE),
    (932003, Reaction.THREE_TRIES, _("The back-query's answer disagrees with the push."), _COMPARE),
)

_TABLE = {code: Explanation(code, meaning, remedy, reaction) for code, reaction, meaning, remedy in _ROWS}
_UNKNOWN_MEANING = _("A code that WeChat's pages for this interface do not list.")
_UNKNOWN_REMEDY = _("Give WeChat's support the rid in the message.")


def explanation_of(code: int) -> Explanation:
    """Return what a code of `userquery` or `pathnotify` means."""
    return _TABLE.get(code) or Explanation(code, _UNKNOWN_MEANING, _UNKNOWN_REMEDY, Reaction.THREE_TRIES)


def explain(code: int | None) -> Explanation | None:
    """Return what a code means; None for the absence of one."""
    return None if code is None else explanation_of(code)


def explain_token_call(code: int) -> Explanation:
    """Return what a code of `stable_token` means: 40001 there is the secret's fault, not a token's.

    >>> explain_token_call(40001).reaction
    <Reaction.STOP_LINE: 'stop the line until a person resumes it'>
    """
    return replace(_TABLE[_WRONG_SECRET], code=code) if code == _REFUSED else explanation_of(code)


def reaction_to(code: int) -> Reaction:
    """Return how the sender reacts to a code of `userquery` or `pathnotify`.

    >>> reaction_to(45009)
    <Reaction.STOP_UNTIL_MIDNIGHT: 'stop the line until midnight in China, then probe'>
    >>> reaction_to(12345)
    <Reaction.THREE_TRIES: 'try three times, then staff'>
    """
    return explanation_of(code).reaction
