"""Granian's own command, with workers that a stop reaches from their first moment on.

As it comes, a worker keeps its parent's handler of SIGTERM from the fork until it serves, and what that handler notes
in the child nobody reads: a stop within the first second was lost, and ended with a kill half a minute later.
"""

import os
import signal

from granian.cli import entrypoint

_SIGTERM = {signal.SIGTERM}


def _hold_sigterm() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGTERM)


def _let_sigterm_come() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGTERM)


def _end_at_sigterm() -> None:
    """Nothing is under way yet. Granian sets a handler of the worker's own before it serves."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _let_sigterm_come()


if __name__ == "__main__":
    os.register_at_fork(before=_hold_sigterm, after_in_parent=_let_sigterm_come, after_in_child=_end_at_sigterm)
    entrypoint()  # type: ignore[no-untyped-call]
