"""`manage.py send_pushes`: what it says where nothing can go out."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone, translation

from tests.factories import make_push, make_user
from tests.wechat.farside import FarSide, answer, text
from waybills.models import Push
from waybills.services import resume_line, stop_line


def send() -> None:
    with translation.override("en"):
        call_command("send_pushes")


def test_what_is_due_is_sent(far: FarSide) -> None:
    push = make_push()

    send()

    assert Push.objects.get(pk=push.pk).state == "sent"


def test_a_stopped_line_is_told_where_pushes_are_due(far: FarSide) -> None:
    make_push()
    stop_line(actor=make_user(), reason="maintenance")

    with pytest.raises(CommandError) as error:
        send()

    assert str(error.value) == "Pushes that are due and were not sent: 1. The line is stopped: maintenance"
    assert error.value.returncode == 1


def test_a_missing_token_is_told_where_pushes_are_due(far: FarSide) -> None:
    make_push()
    far.next("stable_token", text("busy", status=503))

    with pytest.raises(CommandError) as error:
        send()

    assert "not sent: 1. No access token from WeChat since" in str(error.value)
    assert far.base in str(error.value)


def test_a_code_that_stops_the_line_is_told_with_what_to_do(far: FarSide) -> None:
    make_push()
    far.next("stable_token", answer(40125))

    with pytest.raises(CommandError, match="40125"):
        send()


def test_where_nothing_is_due_nothing_is_wrong(far: FarSide) -> None:
    push = make_push()
    Push.objects.filter(pk=push.pk).update(not_before=timezone.now() + timedelta(hours=1))
    stop_line(actor=make_user(), reason="maintenance")

    send()

    assert far.asked == []


def test_what_is_due_goes_once_the_line_runs_again(far: FarSide, change: Any) -> None:
    push, staff = make_push(), make_user()
    stop_line(actor=staff, reason="maintenance")
    resume_line(actor=staff)

    send()

    assert Push.objects.get(pk=push.pk).state == "sent"
