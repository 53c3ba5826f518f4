"""Runs the sandbox: WeChat's side of the logistics push, on this machine only."""

import asyncio
import signal
from argparse import ArgumentTypeError
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from wechat.conf import WechatSettings
from wechat.sandbox.app import serve_until
from wechat.sandbox.config import SandboxConfig
from wechat.sandbox.validation import is_mobile

_EVERYONE = "all"


class Command(BaseCommand):
    """`sandbox`: serves until SIGTERM or Ctrl-C."""

    help = "Run WeChat's side on this machine: its API, the back-query, faults on demand, the recipients' phones."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add where to listen, what to call, and how to behave."""
        parser.add_argument("--port", type=int, default=settings.SANDBOX_PORT)
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--callback-url", type=_address, default="http://127.0.0.1:8000/wechat/callback/")
        parser.add_argument("--landing-url", type=_address, default="http://127.0.0.1:8000/waybills/info/")
        parser.add_argument("--format", choices=("xml", "json"), default="xml", help="the console's data format")
        parser.add_argument("--mode", choices=("safe", "compat", "plain"), default=settings.WECHAT.message_mode)
        parser.add_argument(
            "--bind", type=_phones, default=frozenset(), help="all, or the bound phones, comma-separated"
        )
        parser.add_argument("--no-back-query", action="store_true", help="accept pushes without asking the callback")
        parser.add_argument("--latency-ms", type=_milliseconds, default=0, help="what each API call takes at least")
        parser.add_argument("--ledger", type=int, default=50_000, help="how many calls the ledger holds")

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve."""
        _refuse_real_wechat(settings.WECHAT.api_base)
        config = _config(settings.WECHAT, options)
        try:
            asyncio.run(self._serve(config, options["port"]))
        except OSError as error:
            raise CommandError(f"The sandbox cannot listen on {config.host}:{options['port']}: {error}") from error

    async def _serve(self, config: SandboxConfig, port: int) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await serve_until(stop, config, port, lambda bound: self._announce(config, bound))

    def _announce(self, config: SandboxConfig, port: int) -> None:
        self.stdout.write(f"WeChat sandbox on http://{config.host}:{port}/sandbox/ ({config.mode}, {config.format})")
        self.stdout.flush()


def _refuse_real_wechat(api_base: str) -> None:
    host = urlsplit(api_base).hostname or ""
    if not _is_loopback(host):
        raise CommandError(
            f"WECHAT_API_BASE points to {host}, not to this machine: a sandbox has no place beside the real WeChat. "
            "Set it to the sandbox's own address, such as http://127.0.0.1:8001."
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _config(wechat: WechatSettings, options: dict[str, Any]) -> SandboxConfig:
    needed = {
        "WECHAT_APPID": wechat.appid,
        "WECHAT_SECRET": wechat.secret,
        "WECHAT_USERNAME": wechat.username,
        "WECHAT_TOKEN": wechat.token,
        "WECHAT_AES_KEYS": wechat.aes_keys or options["mode"] == "plain",
    }
    missing = [name for name, value in needed.items() if not value]
    if missing:
        raise CommandError(f"Set {', '.join(missing)}: the sandbox stands for the same mini program as the portal.")
    return SandboxConfig(
        appid=wechat.appid,
        secret=wechat.secret,
        username=wechat.username,
        token=wechat.token,
        aes_key=wechat.aes_keys[0] if wechat.aes_keys else b"",
        mode=options["mode"],
        format=options["format"],
        callback_url=options["callback_url"],
        landing_url=options["landing_url"],
        bind_all=options["bind"] == _EVERYONE,
        bound=frozenset() if options["bind"] == _EVERYONE else options["bind"],
        back_query=not options["no_back_query"],
        latency=options["latency_ms"] / 1000,
        ledger_size=options["ledger"],
        waybill_param=settings.JSONP.waybill_param,
        callback_param=settings.JSONP.callback_param,
        host=options["host"],
    )


def _address(text: str) -> str:
    parts = urlsplit(text)
    # The landing page's origin stands in a header: no text that could end its place there.
    if parts.scheme not in {"http", "https"} or not parts.hostname or set(text) & set(" ;,'\"\r\n\t"):
        raise ArgumentTypeError("not an address such as http://127.0.0.1:8000/wechat/callback/")
    return text


def _phones(text: str) -> frozenset[str] | str:
    if text == _EVERYONE:
        return _EVERYONE
    phones = frozenset(word.strip() for word in text.split(",") if word.strip())
    for phone in phones:
        if not is_mobile(phone):
            raise ArgumentTypeError(f"{phone} is not a mobile number of 11 digits")
    return phones


def _milliseconds(text: str) -> int:
    if not text.isdecimal() or int(text) > 60_000:
        raise ArgumentTypeError("not milliseconds from 0 to 60000")
    return int(text)
