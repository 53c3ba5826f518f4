"""Acts out the faults of `wechat.sandbox.faults` on a request."""

import socket
import struct

from aiohttp import web

from wechat.sandbox.faults import Fault, FaultKind

_ABORTIVE = struct.pack("ii", 1, 0)
"""SO_LINGER on, for no time at all: closing sends RST instead of FIN."""


def answer_instead(fault: Fault, request: web.Request) -> web.Response | None:
    """Return what a fault answers in place of the call; None for those that let the call act."""
    match fault.kind:
        case FaultKind.TIMEOUT | FaultKind.RESET:
            return hang_up(request)
        case FaultKind.HTTP_500:
            return web.Response(status=500, text="Internal Server Error")
        case FaultKind.GARBAGE:
            return web.Response(text="<html><body>502 Bad Gateway</body></html>", content_type="text/html")
        case _:
            return None


def hang_up(request: web.Request) -> web.Response:
    """Reset the connection; the response returned reaches nobody."""
    if request.transport is not None:
        connection = request.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORTIVE)
        request.transport.abort()
    return web.Response()
