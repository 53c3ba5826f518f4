"""What every test can use."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import override_settings
from django.utils import translation
from pytest_django.live_server_helper import LiveServer


@pytest.fixture
def change(settings: Any) -> Any:
    """Return a function that changes fields of a settings group: `change("PUSH", order_wait=…)`."""

    def apply(group: str, **fields: Any) -> None:
        setattr(settings, group, replace(getattr(django_settings, group), **fields))

    return apply


@pytest.fixture(autouse=True)
def _site_language() -> None:
    # A request leaves its language with the thread.
    translation.deactivate()


@pytest.fixture(autouse=True)
def _plain_http(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = False
    settings.ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]


@pytest.fixture(scope="module")
def server(django_db_setup: None) -> Iterator[LiveServer]:
    """Return a server without TLS: nobody is sent on to https."""
    with override_settings(SECURE_SSL_REDIRECT=False, SESSION_COOKIE_SECURE=False, CSRF_COOKIE_SECURE=False):
        server = LiveServer("127.0.0.1")
        yield server
        server.stop()
