"""The portal's settings with the usual ingest: the same database, middleware and keys."""

from portal.settings import *  # noqa: F403
from portal.settings import INSTALLED_APPS as OF_PORTAL

INSTALLED_APPS = [*OF_PORTAL, "bench.usual"]
ROOT_URLCONF = "bench.usual.ingest_urls"
REST_FRAMEWORK = {}
