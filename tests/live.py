"""What tests of real processes share: a port for each, and the patience that they need."""

import socket
import time
from collections.abc import Callable
from typing import Any

import requests

_given: set[int] = set()


def free_port() -> int:
    """Return a port that nothing listens on, and that nobody in this run of the tests was given before."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port not in _given:
            _given.add(port)
            return port


def answers(address: str) -> bool:
    """Return whether something says 200 there."""
    with requests.Session() as session:
        # It is on this machine: no proxy of the caller's is meant.
        session.trust_env = False
        try:
            return session.get(address, timeout=5).status_code == 200
        except requests.RequestException:
            return False


def eventually(holds: Callable[[], Any], what: str = "", within: float = 60, every: float = 0.05) -> Any:
    """Return what `holds` returns once that is true; fail after a while. The machine may be busy."""
    until = time.monotonic() + within
    while not (result := holds()):
        assert time.monotonic() < until, f"not within {within} s: {what or repr(result)}"
        time.sleep(every)
    return result
