"""The usual peer as `startproject` leaves it: a connection to the database for each request."""

from bench.usual.settings import *  # noqa: F403
from portal.settings import DATABASES as KEPT

DATABASES = {"default": {**KEPT["default"], "CONN_MAX_AGE": 0}}
