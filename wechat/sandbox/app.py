"""Puts the sandbox together and serves it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from wechat.sandbox import pages
from wechat.sandbox.api import Api
from wechat.sandbox.config import SandboxConfig
from wechat.sandbox.desk import Desk
from wechat.sandbox.inquiry import Inquirer, open_session
from wechat.sandbox.world import World

_SHUTDOWN = 1.0
"""Seconds that open calls get to end; a fault that holds one for a minute is cut off."""

_LONGEST_BODY = 64 * 1024
"""Bytes: the state stays small however long a text somebody pushes."""


@asynccontextmanager
async def serving(
    config: SandboxConfig, port: int, now: Callable[[], float] = time.time
) -> AsyncIterator[tuple[World, int]]:
    """Serve a sandbox for as long as the context is open; its world and the port that it listens on.

    port: 0 for any. Raise OSError where the port is taken.
    """
    world = World(config, now)
    async with open_session(config) as session:
        application = _application(world, Inquirer(config, session))
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN)
        await runner.setup()
        try:
            await web.TCPSite(runner, config.host, port, backlog=1024).start()
            yield world, runner.addresses[0][1]
        finally:
            await runner.cleanup()


def _application(world: World, inquirer: Inquirer) -> web.Application:
    # No middleware: each would cost every call, also those that a load test counts.
    application = web.Application(client_max_size=_LONGEST_BODY)
    application.add_routes(Api(world, inquirer).routes())
    application.add_routes(Desk(world).routes())
    application.add_routes(pages.routes(world.config))
    return application


async def serve_until(stop: asyncio.Event, config: SandboxConfig, port: int, ready: Callable[[int], None]) -> None:
    """Serve until the event is set; tell `ready` the port once the sandbox listens."""
    async with serving(config, port) as (_, bound_port):
        ready(bound_port)
        await stop.wait()
