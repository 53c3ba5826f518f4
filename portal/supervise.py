"""Keeps programs running: starts them, starts again what dies, and stops all of them when it is told to.

The package `supervisor` was tried first. It opens its standard output anew for each program, which fails where that
is a socket (a systemd unit's is), and gives a program up for good after a few quick deaths.
"""

import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType

logger = logging.getLogger(__name__)

GRACE = 40.0
"""Seconds that a stop leaves to what is in flight: more than a call to WeChat and its record need."""
LOOK_EVERY = 0.1
FIRST_REST, LONGEST_REST = 1.0, 30.0
"""Seconds before a program that died is started again; doubled with each quick death."""
QUICK = 10.0
"""Seconds; who lived longer begins with the first rest again."""
_STOPS = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True)
class Program:
    """A command that is to run for ever."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    """On top of this process's own."""
    may_start: Callable[[], bool] = lambda: True
    """Looked at ten times a second: what it needs of the other programs."""
    is_server: bool = False
    """The other programs may need it until they have finished: it stops after them."""


class _Kept:
    """One program with its process, if it has one at the moment."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.process: subprocess.Popen[bytes] | None = None
        self._started = self._start_at = 0.0
        self._rest = FIRST_REST

    def start_if_due(self, now: float) -> None:
        """Start the program, in a session of its own: a Ctrl-C of the terminal reaches the supervisor alone."""
        if self.process is not None or now < self._start_at or not self.program.may_start():
            return
        environment = {**os.environ, **self.program.environment}
        self.process = subprocess.Popen(self.program.command, env=environment, start_new_session=True)  # noqa: S603
        self._started = now

    def look(self, now: float) -> None:
        """Plan the next start of a program that has ended."""
        if self.process is None or self.process.poll() is None:
            return
        self._rest = FIRST_REST if now - self._started > QUICK else self._rest
        logger.warning(
            "%s ended with %s; starting it again in %g s", self.program.name, self.process.returncode, self._rest
        )
        self._start_at = now + self._rest
        self._rest = min(LONGEST_REST, self._rest * 2)
        self.end()

    def end(self) -> None:
        """Kill what is left of the program: its own children outlive a leader that was killed."""
        if self.process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    @property
    def is_running(self) -> bool:
        """Return whether its process lives."""
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """Runs programs until SIGTERM, Ctrl-C or the end of its terminal."""

    def __init__(self, programs: Sequence[Program], *, grace: float = GRACE) -> None:
        self._kept = [_Kept(program) for program in programs]
        self._grace = grace
        self._stops = 0

    def run(self) -> None:
        """Return when every program has stopped."""
        # Under nohup the end of the terminal is not meant.
        hangup = [] if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else [signal.SIGHUP]
        for number in (*_STOPS, *hangup):
            signal.signal(number, self._stop)
        try:
            while not self._stops:
                for kept in self._kept:
                    kept.look(time.monotonic())
                    kept.start_if_due(time.monotonic())
                time.sleep(LOOK_EVERY)
            self._let_finish()
        finally:
            for kept in self._kept:
                kept.end()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stops += 1

    def _let_finish(self) -> None:
        """Stop the programs and wait for them, servers after all others; a second signal ends the wait."""
        asked = self._stops
        for is_server in (False, True):
            until = time.monotonic() + self._grace
            running = [kept for kept in self._kept if kept.is_running and kept.program.is_server == is_server]
            for kept in running:
                if kept.process is not None:
                    kept.process.terminate()
            while any(kept.is_running for kept in running) and self._stops == asked and time.monotonic() < until:
                time.sleep(LOOK_EVERY)
            for kept in running:
                if kept.is_running:
                    logger.warning("%s did not stop in time and is killed", kept.program.name)
                kept.end()
