"""The shape of the settings of the portal's own processes; `portal.settings` fills it from the environment."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ServerSettings:
    """Where the web half listens, and how wide it is."""

    bind: str
    port: int
    processes: int
    threads: int
    """Of each process. More than one: WeChat asks back while a request of ours is in flight."""
