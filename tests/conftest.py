"""What every test can use."""

from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings as django_settings


@pytest.fixture
def change(settings: Any) -> Any:
    """Return a function that changes fields of a settings group: `change("PUSH", order_wait=…)`."""

    def apply(group: str, **fields: Any) -> None:
        setattr(settings, group, replace(getattr(django_settings, group), **fields))

    return apply


@pytest.fixture(autouse=True)
def _plain_http(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = False
    settings.ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
