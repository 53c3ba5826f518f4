"""The web process: what WeChat and probes ask goes to a handler without middleware, everything else to Django's.

A WSGI server runs no system checks by itself: this module does, and exits with every finding named.
"""

import gc
import os
from typing import Any

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.urls import get_resolver

from portal.checks import stop_on_wrong_configuration
from portal.lean import LeanHandler

LEAN = ("/wechat/", "/waybills/info/", "/healthz", "/readyz")


class Portal:
    """Sends each request to its handler. The edge surface has nothing that needs the usual one."""

    def __init__(self, surface: str) -> None:
        self._lean = LeanHandler()
        self._usual = self._lean if surface == "edge" else WSGIHandler()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer one request."""
        handler = self._lean if environ.get("PATH_INFO", "").startswith(LEAN) else self._usual
        return handler(environ, start_response)


def _serve() -> Portal:
    """Return the application of a web process that is set up, checked, and writes its audit."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    os.environ.setdefault("PORTAL_ROLE", "web")
    django.setup()
    stop_on_wrong_configuration()
    if not settings.TESTING:
        # Tests write what is due by hand, and ring nobody: a thread would meet their transactions.
        from portal.celery import publish_ring
        from waybills import doorbell
        from wechat import audit

        audit.start()
        doorbell.connect(publish_ring)
        # What is here now stays for good: a collection during a batch need not look through it again.
        get_resolver().url_patterns  # noqa: B018 - loads the views
        gc.collect()
        gc.freeze()
    return Portal(settings.SURFACE)


application = _serve()
