"""What can go wrong with WeChat: a class for each reaction.

WechatError
  CallbackRejected          403, one body for all; `reason` is what the refusal is counted under
    BadParameters           a parameter is missing, repeated or no parameter of WeChat's
    StaleTimestamp          sent too long ago, or in the future
    BodyTooLarge            over 64 KiB
    BodyUnreadable          neither XML nor JSON
    DoctypeRefused          XML with a document type or entities
    BadSignature            not signed with the token
    ModeRefused             signed, but not of WECHAT_MESSAGE_MODE: staff are told
    CiphertextRefused       no key opens it
    WrongAppid              opened, but another mini program's
  CallbackFault             503: a fault of this side, WeChat tries again
  TokenUnavailable          no access token now (`wechat.tokens`): nothing is claimed until there is one
  GatewayRefused            a carrier's call is answered with a code (`wechat.gateway.errors`)

What a call to WeChat came to is no exception but a value, since a batch of them is recorded at once: `wechat.client`
reads a Reply, `wechat.error_codes` has the reaction to each code, `wechat.retry` what becomes of the push.
"""

from typing import ClassVar


class WechatError(Exception):
    """The base of all of them."""


class CallbackRejected(WechatError):
    """A request that is not, or not provably, WeChat's. The answer never tells which of the reasons it was."""

    status: ClassVar[int] = 403
    reason: ClassVar[str] = "rejected"


class BadParameters(CallbackRejected):
    """A parameter of the query is missing, repeated or has a shape that WeChat never gives it."""

    reason = "parameters"


class StaleTimestamp(CallbackRejected):
    """The timestamp is further off than CALLBACK_TOLERANCE."""

    reason = "timestamp"


class BodyTooLarge(CallbackRejected):
    """The body is over 64 KiB, said or found while reading."""

    reason = "too_large"


class BodyUnreadable(CallbackRejected):
    """The body is neither XML nor JSON."""

    reason = "unreadable"


class DoctypeRefused(CallbackRejected):
    """The XML has a document type or entities of its own."""

    reason = "doctype"


class BadSignature(CallbackRejected):
    """The signature is not the token's."""

    reason = "signature"


class ModeRefused(CallbackRejected):
    """The request is signed but of another mode than WECHAT_MESSAGE_MODE: WeChat's console says otherwise."""

    reason = "mode"


class CiphertextRefused(CallbackRejected):
    """None of WECHAT_AES_KEYS opens the Encrypt field."""

    reason = "ciphertext"


class WrongAppid(CallbackRejected):
    """The message opens but is another mini program's."""

    reason = "appid"


class CallbackFault(WechatError):
    """This side cannot answer now: the database is away or a sealed document does not open."""

    status: ClassVar[int] = 503
