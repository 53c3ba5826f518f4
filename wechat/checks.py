"""System checks of WeChat's side; every entry point runs them before it serves.

E001 a variable of the mini program is missing · E002 an encrypted mode without a key · E003 the relay is this portal
itself · E004 the API is not called over TLS · E005 a key is set twice
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

MISSING = "wechat.E001"
NO_KEY = "wechat.E002"
RELAY_LOOPS = "wechat.E003"
API_IN_THE_CLEAR = "wechat.E004"
SAME_KEY_TWICE = "wechat.E005"

CALLBACK_PATH = "/wechat/callback/"
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_REQUIRED = {
    "appid": "WECHAT_APPID",
    "secret": "WECHAT_SECRET",
    "username": "WECHAT_USERNAME",
    "token": "WECHAT_TOKEN",
}


@register()
def check_mini_program(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Return an error for each variable without which WeChat can neither be called nor believed."""
    if settings.DEBUG or settings.TESTING:
        return []
    return [
        Error(
            f"{variable} is not set.",
            hint="Copy it from WeChat's console: development settings of the carrier's mini program, message push.",
            id=MISSING,
        )
        for field, variable in _REQUIRED.items()
        if not getattr(settings.WECHAT, field)
    ]


@register()
def check_keys(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Return an error where the mode is encrypted and nothing opens it, or where a key stands twice."""
    wechat = settings.WECHAT
    findings: list[CheckMessage] = []
    is_lenient = (settings.DEBUG or settings.TESTING) and not wechat.token
    if wechat.message_mode != "plain" and not wechat.aes_keys and not is_lenient:
        findings.append(
            Error(
                f"WECHAT_AES_KEYS is not set, and WECHAT_MESSAGE_MODE is {wechat.message_mode}.",
                hint="Copy the EncodingAESKey from WeChat's console, or set WECHAT_MESSAGE_MODE=plain.",
                id=NO_KEY,
            )
        )
    if len(set(wechat.aes_keys)) != len(wechat.aes_keys):
        findings.append(
            Error("WECHAT_AES_KEYS has the same key twice.", hint="Name each once, newest first.", id=SAME_KEY_TWICE)
        )
    return findings


@register()
def check_relay(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Return an error where the relay's address is this portal's own: a message would go round for ever."""
    parts = urlsplit(settings.WECHAT.relay_url)
    own_hosts = {*settings.ALLOWED_HOSTS, *_LOOPBACK}
    if parts.hostname not in own_hosts or parts.path.rstrip("/") != CALLBACK_PATH.rstrip("/"):
        return []
    return [
        Error(
            "CALLBACK_RELAY_URL is this portal's own callback.",
            hint="Name the server that handles the mini program's other messages, or leave it empty.",
            id=RELAY_LOOPS,
        )
    ]


@register()
def check_api_base(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Return an error where secret and token would cross a network in the clear."""
    parts = urlsplit(settings.WECHAT.api_base)
    if parts.scheme == "https" or parts.hostname in _LOOPBACK:
        return []
    return [
        Error("WECHAT_API_BASE is not https://.", hint="Only a loopback address may be http://.", id=API_IN_THE_CLEAR)
    ]
