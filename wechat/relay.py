"""Every other message of the mini program goes on to the server that handles it.

A mini program has one push address: customer service messages and subscription events arrive here too, and a carrier
that has a server for them must not lose them. They go on as they came, query string and body, so that the other server
checks and decrypts them by itself.
"""

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from dataclasses import dataclass

import requests

from wechat.network import refuse_inside_transaction

logger = logging.getLogger(__name__)

_SECONDS = 4.0
"""In all: WeChat hangs up after 5."""
_LARGEST = 1024 * 1024
_pool = ThreadPoolExecutor(max_workers=16, thread_name_prefix="relay")
"""A read has a time limit of its own and a slow server can stretch it, chunk by chunk: only a thread that may be left
behind keeps to the whole."""


@dataclass(frozen=True, slots=True)
class Original:
    """A request as it came."""

    query_string: str
    body: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Relayed:
    """What the other server answered."""

    content: bytes
    content_type: str
    status: int


def pass_on(original: Original, url: str) -> Relayed | None:
    """Return the other server's answer; None where it did not come in time."""
    refuse_inside_transaction()
    deadline = time.monotonic() + _SECONDS
    future = _pool.submit(_post, original, _address(url, original.query_string), deadline)
    try:
        return future.result(timeout=_SECONDS)
    except (TooLate, requests.RequestException) as error:
        future.cancel()
        logger.warning("the relay did not answer: %s", type(error).__name__)
        return None


def _address(url: str, query_string: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}{query_string}"


def _post(original: Original, url: str, deadline: float) -> Relayed:
    with (
        requests.Session() as session,
        session.post(
            url,
            data=original.body,
            headers={"Content-Type": original.content_type},
            timeout=max(deadline - time.monotonic(), 0.001),
            allow_redirects=False,
            stream=True,
        ) as response,
    ):
        return Relayed(
            _read(response, deadline), response.headers.get("Content-Type", "text/plain"), response.status_code
        )


def _read(response: requests.Response, deadline: float) -> bytes:
    """Return the answer's body; raise requests' Timeout where it drips past the deadline or has no end."""
    content = b""
    for chunk in response.iter_content(65536):
        content += chunk
        if time.monotonic() > deadline or len(content) > _LARGEST:
            raise requests.Timeout("too long an answer")
    return content
