"""The environment of `make demo`: its own keys, database and far side, whatever this machine's `.env` says."""

import base64
import secrets
import socket
from collections.abc import Mapping
from pathlib import Path

KEPT = "demo.env"
DATABASE = "demo.sqlite3"
HOST = "127.0.0.1"
_SANDBOX_PORT = 8001
HONOURED = frozenset(
    {
        "DATABASE_URL", "CELERY_BROKER_URL", "CACHE_URL",
        "PORT", "PROCESSES", "THREADS", "SANDBOX_PORT", "DEMO_PASSWORD",
    }
)  # fmt: skip
"""What of the portal's own variables the caller chooses; docs/settings.md says so."""
OURS = (
    *("DJANGO_", "PORTAL_", "PII_", "WECHAT_", "CALLBACK_", "PUSH_", "LINE_", "BINDING_", "JSONP_", "SANDBOX_"),
    *("API_", "TRUSTED_PROXIES", "BIND"),
)
"""How all its others begin: the shell's are of another portal, and must decide nothing here."""


def keep_secrets(folder: Path) -> Path:
    """Return the file with the demo's keys and password; they are drawn once, and only their owner can read them."""
    path = folder / KEPT
    if not path.exists():
        folder.mkdir(exist_ok=True)
        path.touch(mode=0o600)
        path.write_text("".join(f"{name}={value}\n" for name, value in draw().items()))
    return path


def draw() -> dict[str, str]:
    """Return what `make demo` is configured with, with new keys."""
    return {
        "DJANGO_DEBUG": "0",
        "DJANGO_SECRET_KEY": secrets.token_urlsafe(50),
        "DJANGO_ALLOWED_HOSTS": f"{HOST},localhost",
        "PORTAL_HTTPS": "0",
        "PII_KEYS": _key(),
        "PII_INDEX_KEY": _key(),
        "WECHAT_APPID": "wx" + secrets.token_hex(8),
        "WECHAT_SECRET": secrets.token_hex(16),
        "WECHAT_USERNAME": "gh_" + secrets.token_hex(6),
        "WECHAT_TOKEN": secrets.token_hex(16),
        "WECHAT_AES_KEYS": _key().rstrip("="),
        "DEMO_PASSWORD": secrets.token_urlsafe(9),
    }


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def demo_environment(outer: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return the environment of the demo's processes: the caller's, but for what the demo decides."""
    kept = {name: value for name, value in outer.items() if name in HONOURED or not name.startswith(OURS)}
    port = outer.get("SANDBOX_PORT") or str(free_port(_SANDBOX_PORT, avoid=outer.get("PORT") or "8000"))
    defaults = {
        "DATABASE_URL": f"sqlite:///{folder / DATABASE}",
        "CELERY_BROKER_URL": f"filesystem://{folder / 'demo-broker'}",
        "PROCESSES": "2",
    }
    return {
        **defaults,
        **kept,
        "PORTAL_ENV_FILE": str(keep_secrets(folder)),
        "SANDBOX_PORT": port,
        "SANDBOX_URL": f"http://{HOST}:{port}/sandbox/",
        "WECHAT_API_BASE": f"http://{HOST}:{port}",
    }


def free_port(first: int, avoid: str) -> int:
    """Return the first port from `first` on that nothing listens on, other than the portal's own."""
    return next(port for port in range(first, 65536) if str(port) != avoid and _is_free(port))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
