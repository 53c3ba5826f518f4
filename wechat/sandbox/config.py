"""What a sandbox is started with."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(frozen=True)
class SandboxConfig:
    """One mini program as WeChat's console knows it, and how this sandbox behaves."""

    appid: str
    secret: str = field(repr=False)
    username: str
    """The mini program's gh_…"""
    token: str = field(repr=False)
    aes_key: bytes = field(repr=False)
    """32 bytes; empty in plain mode."""
    mode: str
    """safe, compat or plain"""
    format: str
    """xml or json"""
    callback_url: str
    landing_url: str
    bind_all: bool = False
    """Whether a phone is bound until it is unbound."""
    bound: frozenset[str] = frozenset()
    back_query: bool = True
    back_query_timeout: float = 5.0
    """Seconds that the callback has for one answer; WeChat's own are 5."""
    latency: float = 0.0
    """Seconds that every API call takes at least."""
    ledger_size: int = 50_000
    """Calls that the ledger holds; older ones leave."""
    waybill_param: str = "waybill_id"
    callback_param: str = "callback"
    host: str = "127.0.0.1"

    @property
    def landing_origin(self) -> str:
        """Return the origin that the landing page's script comes from."""
        parts = urlsplit(self.landing_url)
        return f"{parts.scheme}://{parts.netloc}"
