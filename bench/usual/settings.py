"""The portal's settings with the usual peer's addresses: the same database, middleware and keys."""

from portal.settings import *  # noqa: F403

ROOT_URLCONF = "bench.usual.urls"
REST_FRAMEWORK = {"UNAUTHENTICATED_USER": None}
