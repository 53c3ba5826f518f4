"""A PostgreSQL of a test's own, from the installed server's programs: it may be restarted."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connection
from pytest_django import DjangoDbBlocker

from tests.live import free_port

_OWNER = "postgres"
"""Who runs the server where the tests run as root: it refuses to be root's."""
_DEBIAN = Path("/usr/lib/postgresql")
_LOCALE = ("--encoding=UTF8", "--locale=C.UTF-8", "--auth=trust", f"--username={_OWNER}")


def server_programs() -> Path:
    """Return the folder of the newest installed server's programs."""
    candidates = sorted(_DEBIAN.glob("*/bin"), key=lambda folder: int(folder.parent.name), reverse=True)
    if configured := shutil.which("pg_config"):
        said = subprocess.run([configured, "--bindir"], capture_output=True, text=True, check=True).stdout
        candidates.insert(0, Path(said.strip()))
    found = next((folder for folder in candidates if (folder / "initdb").exists()), None)
    assert found is not None, "the server's own programs (initdb, pg_ctl) are not installed here"
    return found


class Cluster:
    """A server on a free port of 127.0.0.1, with everything in `folder`. fsync is on, as it comes."""

    def __init__(self, folder: Path) -> None:
        self._programs = server_programs()
        self._folder = folder
        self.port = free_port()

    def start(self) -> None:
        """Make the cluster and start it."""
        self._run("initdb", *_LOCALE, "-D", self._data)
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._folder}"
        self._pg_ctl("start", "-o", options)

    def restart(self, mode: str) -> None:
        """Restart it and return once it takes connections. mode: `fast` ends sessions, `immediate` crashes."""
        self._pg_ctl("restart", "-m", mode)

    def stop(self) -> None:
        """Stop it."""
        self._pg_ctl("stop", "-m", "immediate")

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def _pg_ctl(self, *words: str) -> None:
        self._run("pg_ctl", "-D", self._data, "-w", "-t", "60", "-l", str(self._folder / "log"), *words)

    def _run(self, program: str, *words: str) -> None:
        owner: dict[str, Any] = {"user": _OWNER, "group": _OWNER, "extra_groups": []} if os.getuid() == 0 else {}
        subprocess.run(
            [self._programs / program, *words],
            cwd=self._folder,
            env={"PATH": os.environ["PATH"]},
            stdout=subprocess.DEVNULL,
            check=True,
            timeout=120,
            **owner,
        )


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Yield a running cluster; nothing of it is left afterwards."""
    # Not in a folder of pytest's: those are closed to all but their owner.
    folder = Path(tempfile.mkdtemp(prefix="portal-cluster-"))
    try:
        if os.getuid() == 0:
            owner = pwd.getpwnam(_OWNER)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        running = Cluster(folder)
        running.start()
        try:
            yield running
        finally:
            running.stop()
    finally:
        shutil.rmtree(folder)


@contextmanager
def connected_to(server: Cluster, blocker: DjangoDbBlocker) -> Iterator[None]:
    """Let this process work on the cluster's database, not on the suite's."""
    usual = {**connection.settings_dict}
    connection.close()
    own = {"HOST": "127.0.0.1", "PORT": str(server.port), "NAME": "postgres", "USER": _OWNER, "PASSWORD": ""}
    connection.settings_dict.update(own)
    try:
        with blocker.unblock():
            yield
            connection.close()
    finally:
        connection.settings_dict.update(usual)
