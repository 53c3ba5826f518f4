"""Calls the callback over the network, as WeChat does: no redirect is followed, and nobody is waited for for ever."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import requests

from wechat.body import LARGEST
from wechat.doctor.letters import Letter
from wechat.messages import Format
from wechat.network import refuse_inside_transaction

_PATIENCE = 10.0
"""Seconds in all: long enough to tell a slow callback from a dead one."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What came back. status: None where no answer came; error: what happened instead. took: seconds."""

    status: int | None
    body: bytes = b""
    error: str = ""
    took: float = 0.0


@dataclass(frozen=True, slots=True)
class Caller:
    """Knows the address, and how to time an answer."""

    url: str
    timer: Callable[[], float] = time.monotonic

    def get(self, query: Mapping[str, str]) -> Seen:
        """Ask without a body."""
        return self._ask("GET", query, None, {})

    def post(self, letter: Letter, form: Format) -> Seen:
        """Send a message."""
        return self._ask("POST", letter.query, letter.body, {"Content-Type": form.content_type})

    def _ask(self, method: str, query: Mapping[str, str], body: bytes | None, headers: Mapping[str, str]) -> Seen:
        refuse_inside_transaction()
        began = self.timer()
        try:
            with requests.request(
                method,
                self.url,
                params=query,
                data=body,
                headers=headers,
                timeout=_PATIENCE,
                allow_redirects=False,
                stream=True,
            ) as response:
                content = self._read(response, began + _PATIENCE)
                return Seen(response.status_code, content, took=self.timer() - began)
        except (requests.RequestException, OSError) as error:
            return Seen(None, error=type(error).__name__)

    def _read(self, response: requests.Response, deadline: float) -> bytes:
        """Return the answer's body; raise requests' Timeout where it drips past the deadline or has no end."""
        content = b""
        for chunk in response.iter_content(8192):
            content += chunk
            if self.timer() > deadline or len(content) > LARGEST:
                raise requests.Timeout
        return content
