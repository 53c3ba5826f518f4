"""The shape of the settings that `wechat` reads; `portal.settings` fills it from the environment."""

from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True)
class WechatSettings:
    """The carrier's mini program, its message push and the far side's address."""

    appid: str
    secret: str = field(repr=False)
    username: str
    """The mini program's gh_…"""
    token: str = field(repr=False)
    aes_keys: tuple[bytes, ...] = field(repr=False)
    """32 bytes each, newest first: the first seals replies to plain requests, all of them open."""
    message_mode: str
    """safe, compat or plain: what the server accepts."""
    api_base: str
    callback_tolerance: timedelta
    """How far a callback's timestamp may be off; zero turns the check off."""
    relay_url: str
