"""Exits with a message for each service of the arguments (addresses of PostgreSQL and of brokers) that is silent."""

import sys

import psycopg
from kombu import Connection
from kombu.exceptions import OperationalError

WAIT = 5
"""Seconds."""


def require(url: str) -> None:
    """Connect as the tests do; they make their own database beside the one of the address, and drop it."""
    if url.startswith("postgres"):
        server, _, _ = url.rpartition("/")
        psycopg.connect(f"{server}/postgres", connect_timeout=WAIT).close()
        return
    with Connection(url, connect_timeout=WAIT) as connection:
        connection.ensure_connection(max_retries=1)


def main(urls: list[str]) -> int:
    """Return the exit status: 0 where every service answers."""
    silent = 0
    for url in urls:
        try:
            require(url)
        except (psycopg.OperationalError, OperationalError) as error:
            silent += 1
            sys.stderr.write(f"CI needs {url.split('@')[-1]}, which does not answer: {error}\n")
    return 1 if silent else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
