"""Other messages go on as they came, to a real server on the loopback."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import urlencode

import pytest
from django.db import transaction

from tests.wechat.callback.conftest import Portal, Wechat
from wechat import audit
from wechat.documents import unseal_callback
from wechat.models import Callback, CallbackOutcome
from wechat.network import NetworkInTransaction
from wechat.relay import Original, pass_on

pytestmark = pytest.mark.django_db
Change = Callable[..., None]
NESTED = b"<xml><Event>subscribe_msg_popup_event</Event>" + b"<List>" * 40 + b"x" + b"</List>" * 40 + b"</xml>"


@dataclass
class Server:
    """A carrier's server of other messages."""

    url: str = ""
    requests: list[tuple[str, bytes, str]] = field(default_factory=list)
    status: int = 200
    answer: bytes = b"<xml>theirs</xml>"
    delay: float = 0
    drip: float = 0


@pytest.fixture
def server() -> Iterator[Server]:
    theirs = Server()

    class Handler(BaseHTTPRequestHandler):
        server_version: ClassVar[str] = "theirs"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            theirs.requests.append((self.path, body, self.headers.get("Content-Type", "")))
            time.sleep(theirs.delay)
            self.send_response(theirs.status)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(theirs.answer)))
            self.end_headers()
            size = 1 if theirs.drip else len(theirs.answer)
            with suppress(OSError):
                for start in range(0, len(theirs.answer), size):
                    self.wfile.write(theirs.answer[start : start + size])
                    time.sleep(theirs.drip)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    theirs.url = f"http://127.0.0.1:{httpd.server_port}/cs/"
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
    thread.start()
    yield theirs
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def the_row() -> Callback:
    audit.queue.write()
    return Callback.objects.get()


@pytest.mark.parametrize(
    "message", [b"<xml><MsgType>text</MsgType><Content>hi</Content></xml>", NESTED, b'{"a":1}', b"[1]"]
)
@pytest.mark.parametrize("mode", ["safe", "plain"])
def test_another_message_goes_on_as_it_came_and_its_answer_comes_back(
    portal: Portal, change: Change, server: Server, mode: str, message: bytes
) -> None:
    change("WECHAT", message_mode=mode, relay_url=server.url)
    query, body = Wechat(mode).sign(message)

    answer = portal.post(query, body, CONTENT_TYPE="text/xml; charset=x")

    assert server.requests == [(f"/cs/?{urlencode(query)}", body, "text/xml; charset=x")]
    assert (answer.status, answer.body) == (200, b"<xml>theirs</xml>")
    assert answer.headers["Content-Type"] == "text/xml"
    row = the_row()
    assert row.outcome == CallbackOutcome.RELAYED
    document = unseal_callback(row.id, bytes(row.sealed or b""))
    assert (document.message.encode(), document.answer) == (message, "<xml>theirs</xml>")


def test_a_relay_s_own_query_is_kept(portal: Portal, change: Change, server: Server) -> None:
    change("WECHAT", relay_url=server.url + "?account=1")

    portal.post("nonce=n", b"")
    query, body = Wechat().sign(NESTED)
    portal.post(query, body)

    assert server.requests == [(f"/cs/?account=1&{urlencode(query)}", body, "")]


def test_a_status_of_theirs_comes_back(portal: Portal, change: Change, server: Server) -> None:
    change("WECHAT", relay_url=server.url)
    server.status = 500

    assert portal.post(*Wechat().sign(NESTED)).status == 500


def test_a_back_query_is_never_relayed(portal: Portal, change: Change, server: Server, wechat: Wechat) -> None:
    change("WECHAT", relay_url=server.url)

    portal.post(*wechat.sign(wechat.query_message()))
    portal.post(*wechat.sign(wechat.query_message(no="")))

    assert server.requests == []


def test_what_is_refused_is_never_relayed(portal: Portal, change: Change, server: Server) -> None:
    change("WECHAT", relay_url=server.url)

    portal.post(*Wechat(token="other").sign(NESTED))

    assert server.requests == []


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:9/"])
def test_without_a_relay_that_answers_it_is_success(portal: Portal, change: Change, url: str) -> None:
    change("WECHAT", relay_url=url)

    answer = portal.post(*Wechat().sign(NESTED))

    assert (answer.status, answer.body) == (200, b"success")
    assert the_row().outcome == CallbackOutcome.ACKNOWLEDGED


@pytest.mark.parametrize(("delay", "drip"), [(5, 0), (0, 1)])
def test_an_answer_that_takes_too_long_is_success(
    portal: Portal, change: Change, server: Server, delay: float, drip: float
) -> None:
    change("WECHAT", relay_url=server.url)
    server.delay, server.drip, server.answer = delay, drip, b"123456"
    began = time.monotonic()

    answer = portal.post(*Wechat().sign(NESTED))

    assert (answer.status, answer.body) == (200, b"success")
    assert 3.9 < time.monotonic() - began < 4.8


def test_an_answer_without_end_is_success(portal: Portal, change: Change, server: Server) -> None:
    change("WECHAT", relay_url=server.url)
    server.answer = b"x" * (1024 * 1024 + 1)

    assert portal.post(*Wechat().sign(NESTED)).body == b"success"


def test_nothing_is_relayed_inside_a_transaction(server: Server) -> None:
    with transaction.atomic(), pytest.raises(NetworkInTransaction):
        pass_on(Original("", b"", ""), server.url)

    assert server.requests == []


def test_json_deeper_than_its_parser_goes_on(portal: Portal, change: Change, server: Server) -> None:
    change("WECHAT", message_mode="plain", relay_url=server.url)
    query, body = Wechat("plain").sign(b'{"a":' + b"[" * 30_000 + b"]" * 30_000 + b"}")

    portal.post(query, body)

    assert [request[1] for request in server.requests] == [body]
