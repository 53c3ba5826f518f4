"""People at the desk."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.factories import make_user

VIEW = (
    "waybills.view_waybill",
    "waybills.view_push",
    "waybills.view_pushattempt",
    "waybills.view_line",
    "waybills.view_act",
    "wechat.view_callback",
    "wechat.view_callbackrefusal",
)


@pytest.fixture
def superuser(db: None) -> User:
    return User.objects.create_superuser("root", password="a long password of root")


@pytest.fixture
def desk(superuser: User) -> Client:
    """Return a browser in which a superuser is logged in."""
    client = Client()
    client.force_login(superuser)
    return client


@pytest.fixture
def desk_of(db: None) -> Callable[..., Any]:
    """Return a function that logs in a member of staff who may view everything and has these permissions too."""

    def log_in(*permissions: str) -> Client:
        client = Client()
        client.force_login(make_user(*VIEW, *permissions))
        return client

    return log_in


@pytest.fixture
def in_english(desk: Client) -> Client:
    desk.cookies["django_language"] = "en"
    return desk
