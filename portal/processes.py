"""The programs of a running portal, and what must hold before they start."""

import fcntl
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError, SystemCheckError
from django.db import OperationalError, connection

from portal.supervise import Program
from waybills import settlement

WEB, WORKER = "web", "worker"
_MIGRATIONS_LOCK = 7_302_110_021
"""Any number that nothing else in the database locks."""


def web_program() -> Program:
    """Return the web server.

    Idle threads are kept for ten minutes: each that granian retires leaks its database connection.
    """
    server = settings.SERVER
    options = {
        "--interface": "wsgi",
        "--host": server.bind,
        "--port": server.port,
        "--workers": server.processes,
        "--blocking-threads": server.threads,
        "--blocking-threads-idle-timeout": 600,
        "--workers-kill-timeout": 30,
    }
    words = [str(word) for pair in options.items() for word in pair]
    command = [
        sys.executable,
        "-m",
        "portal.granian_server",
        *words,
        "--respawn-failed-workers",
        "--no-ws",
        "portal.wsgi:application",
    ]
    # WeChat asks back during a push: what is under way at a stop still needs its answer.
    return Program(WEB, command, {"PORTAL_ROLE": WEB}, is_server=True)


def worker_programs(may_start: Callable[[], bool]) -> list[Program]:
    """Return the sender, with the schedule, and the worker of the long jobs: neither ever waits for the other."""
    celery = [
        sys.executable,
        "-m",
        "celery",
        "--quiet",
        "-A",
        "portal",
        "worker",
        "--without-mingle",
        "--without-gossip",
    ]
    return [
        Program("push worker", [*celery, "-Q", "push", "--beat", "-n", "push@%h"], may_start=may_start),
        Program("work worker", [*celery, "-Q", "work", "-n", "work@%h"], may_start=may_start),
    ]


def portal_programs(half: str) -> list[Program]:
    """Return the programs of `web`, `worker` or `all`."""
    if half == WEB:
        return [web_program()]
    if half == WORKER:
        return worker_programs(lambda: True)
    # WeChat asks back during a push: with no web server yet, the first pushes would fail.
    return [web_program(), *worker_programs(is_web_listening)]


def is_web_listening() -> bool:
    """Return whether the web server takes connections."""
    try:
        socket.create_connection((settings.SERVER.bind, settings.SERVER.port), timeout=0.05).close()
    except OSError:
        return False
    return True


def prepare(half: str) -> None:
    """Check, migrate and collect; raise CommandError with what is wrong and how to mend it."""
    check_deployment()
    if half != WORKER:
        require_free_port("PORT", settings.SERVER.bind, settings.SERVER.port)
    migrate()
    if half != WORKER:
        call_command("collectstatic", interactive=False, verbosity=0)
    # The programs have connections of their own.
    connection.close()


def check_deployment() -> None:
    """Raise CommandError where a setting is wrong, or not fit for traffic."""
    try:
        call_command("check", deploy=True, fail_level="WARNING")
    except SystemCheckError as error:
        raise CommandError(f"The portal does not start.\n{error}") from None


def require_free_port(variable: str, host: str, port: int) -> None:
    """Raise CommandError where something listens there already."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(
                f"Nothing can listen on {host}:{port} ({error.strerror}). Stop what listens there, or name another"
                f" port with the variable {variable}, for example {variable}={port + 10}."
            ) from None


def migrate() -> None:
    """Apply what waits, one machine at a time."""
    try:
        with _alone():
            call_command("migrate", interactive=False, verbosity=0)
            settlement.align()
    except OperationalError as error:
        raise CommandError(f"The database of DATABASE_URL does not answer: {error}") from error


@contextmanager
def _alone() -> Iterator[None]:
    if connection.vendor != "postgresql":
        with (settings.VAR_DIR / "migrations.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_MIGRATIONS_LOCK])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_MIGRATIONS_LOCK])
