"""Measures the portal against peers that do the same, in one run: a ratio says more of a busy machine than a rate.

python -m bench.run [NAME …] [--rounds N] [--seconds S] [--postgres ADDRESS] [--broker ADDRESS] [--no-usual]

What each measures, beside what, and what is asked of it: docs/benchmarks.md.
"""

import argparse
import signal
import sys

from bench import web
from bench.ingest import files, growth
from bench.ingest import memory as ingest_memory
from bench.ingest import rates as ingest_rates
from bench.ingest import run as ingest_run
from bench.ingest import sqlite as ingest_sqlite
from bench.sender import back_query, claim, latency, memory, rates, sqlite
from bench.sender.run import Measure, prepared

WEB = list(web.PREPARE)
SENDER: dict[str, Measure] = {
    "sender": rates.sender,
    "sender-backquery": back_query.back_query,
    "sender-latency": latency.latency,
    "sender-memory": memory.memory,
    "sender-claim": claim.claim,
    "sender-sqlite": sqlite.sqlite,
    "sender-two": rates.two,
}

INGEST: dict[str, ingest_run.Measure] = {
    "ingest": ingest_rates.ingest,
    "ingest-growth": growth.growth,
    "ingest-memory": ingest_memory.memory,
    "ingest-sqlite": ingest_sqlite.sqlite_rates,
    "ingest-files": files.files,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join([*WEB, *SENDER, *INGEST]))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4, help="a round of callback and jsonp")
    parser.add_argument("--postgres", default="postgres://postgres@127.0.0.1:5432")
    parser.add_argument("--broker", default="amqp://guest:guest@127.0.0.1:5672//", help="of the usual sender")
    parser.add_argument("--no-usual", action="store_true", help="leave out the usual sender: half a minute to tune by")
    options = parser.parse_args()
    # What was started and made ends with this process, also by the signal that would leave it behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    names = options.names or [*WEB, *SENDER, *INGEST]
    if unknown := set(names) - {*WEB, *SENDER, *INGEST}:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    if of_web := [name for name in names if name in WEB]:
        web.run(of_web, options.postgres, options.rounds, options.seconds)
    if of_sender := [name for name in names if name in SENDER]:
        with prepared(options.postgres, options.rounds, "" if options.no_usual else options.broker) as bench:
            for name in of_sender:
                SENDER[name](bench)
    if of_ingest := [name for name in names if name in INGEST]:
        with ingest_run.prepared(options.postgres, options.rounds) as bench_of_ingest:
            for name in of_ingest:
                INGEST[name](bench_of_ingest)


if __name__ == "__main__":
    main()
