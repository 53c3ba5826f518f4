"""Granian's own command, with workers that a stop reaches from their first moment on.

As it comes, a worker keeps its parent's handler of SIGTERM from the fork until it serves, and what that handler notes
in the child nobody reads: a stop within the first second was lost, and ended with a kill half a minute later.
"""

import os
import signal

from granian.cli import entrypoint

if __name__ == "__main__":
    # Nothing is under way yet: it ends at once. Granian sets a handler of the worker's own before it serves.
    os.register_at_fork(after_in_child=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))
    entrypoint()  # type: ignore[no-untyped-call]
