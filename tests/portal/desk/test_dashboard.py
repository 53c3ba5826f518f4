"""The first page: the line, and today in numbers."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from portal.dashboard import count_up_to
from tests.factories import make_push
from waybills import schedules
from waybills.admin.settled_filter import midnight
from waybills.line import stop_by_code
from waybills.models import CarrierCode, Push, ScheduleLease
from waybills.services import stop_line
from wechat.models import AccessToken, CallbackRefusal


def numbers(client: Client) -> dict[str, str]:
    return {str(n.label): n.shown for n in client.get(reverse("admin:index")).context_data["numbers"]}


def test_the_numbers_count_what_they_say(in_english: Client) -> None:
    for state in ("pending", "pending", "sent", "failed", "unknown", "unbound"):
        make_push(state=state)
    Push.objects.filter(pk=make_push(state="sent").pk).update(settled_at=timezone.now() - timedelta(days=2))

    assert numbers(in_english) == {
        "Waiting to be sent": "2",
        "Sent today": "1",
        "Failed today": "2",
        "Callbacks refused": "0",
    }


def test_refused_callbacks_count_for_an_hour(in_english: Client) -> None:
    now = timezone.now()
    for minutes, count in ((5, 3), (30, 4), (90, 100)):
        CallbackRefusal.objects.create(
            hour=now - timedelta(minutes=minutes), reason=f"{minutes}", count=count, last_at=now
        )

    assert numbers(in_english)["Callbacks refused"] == "7"


def test_codes_that_wait_for_a_mapping_are_counted_only_when_there_are_some(in_english: Client) -> None:
    CarrierCode.objects.create(code="A", action_type=200001)
    assert "Codes not mapped yet" not in numbers(in_english)
    CarrierCode.objects.create(code="B")

    assert numbers(in_english)["Codes not mapped yet"] == "1"


def test_a_number_leads_to_the_rows_that_it_counts(desk: Client) -> None:
    push = make_push(state="failed")
    links = [n.link for n in desk.get(reverse("admin:index")).context_data["numbers"]]

    counted = desk.get(links[2]).context_data["cl"].result_list

    assert [row.pk for row in counted] == [push.pk]
    assert all(desk.get(link).status_code == 200 for link in links)


def test_a_count_stops_at_its_bound(db: None) -> None:
    for _ in range(4):
        make_push()

    assert count_up_to(Push.objects.all(), most=3) == "3+"
    assert count_up_to(Push.objects.all(), most=4) == "4"


def test_a_stopped_line_is_the_first_thing_seen(desk: Client, superuser: Any) -> None:
    stop_line(actor=superuser, reason="机房检修")

    html = desk.get(reverse("admin:index")).content.decode()

    assert "推送线路已停止" in html
    assert "机房检修" in html
    assert reverse("admin:waybills_line_resume") in html


def test_a_token_that_cannot_be_had_is_told_with_what_to_do(in_english: Client, change: Any) -> None:
    change("WECHAT", api_base="https://api.example.com")
    since = datetime(2026, 11, 24, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
    AccessToken.objects.create(failing_since=since, failure="connection refused")

    html = in_english.get(reverse("admin:index")).content.decode()

    assert "No access token from WeChat since 2026-11-24 10:00:00: connection refused" in html
    assert "https://api.example.com" in html


@pytest.mark.parametrize(
    ("fields", "is_told"),
    [
        ({"failing_since": None}, False),
        ({"expires_at": timedelta(minutes=3)}, False),
        ({"expires_at": timedelta(minutes=-3)}, True),
    ],
)
def test_a_token_that_still_works_is_no_trouble(in_english: Client, fields: dict[str, Any], is_told: bool) -> None:
    now = timezone.now()
    moments = {name: now + value if value else None for name, value in fields.items()}
    AccessToken.objects.create(**{"failing_since": now - timedelta(minutes=5), "failure": "refused"} | moments)

    html = in_english.get(reverse("admin:index")).content.decode()

    assert ("No access token" in html) is is_told


def test_a_line_that_a_code_stopped_says_by_itself_why_there_is_no_token(in_english: Client) -> None:
    now = timezone.now()
    AccessToken.objects.create(failing_since=now, failure="40164 not on the white list")
    stop_by_code(code=40164, reason="not on the white list", remedy="Add it.", probe_at=None, now=now)

    html = in_english.get(reverse("admin:index")).content.decode()

    assert "Add it." in html
    assert "No access token" not in html


def test_the_page_costs_the_same_number_of_queries_on_a_busy_day(desk: Client) -> None:
    make_push(state="failed")
    desk.get(reverse("admin:index"))
    with CaptureQueriesContext(connection) as quiet:
        desk.get(reverse("admin:index"))
    for state in ("failed", "unknown", "sent", "pending") * 3:
        make_push(state=state)

    with CaptureQueriesContext(connection) as busy:
        desk.get(reverse("admin:index"))

    assert len(busy) == len(quiet)
    assert len(busy) <= 12


def test_a_person_sees_the_numbers_of_what_they_may_view(client: Client, desk_of: Callable[..., Client]) -> None:
    assert set(numbers(desk_of())) == {"待推送", "今日已推送", "今日失败", "被拒回调"}


@pytest.mark.parametrize(("hour", "day"), [(15, 24), (17, 25)])
def test_the_day_begins_at_midnight_in_china(hour: int, day: int) -> None:
    now = datetime(2026, 11, 24, hour, tzinfo=ZoneInfo("UTC"))

    assert midnight(now) == datetime(2026, 11, day, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.mark.parametrize(
    ("ago", "shown"),
    [
        (timedelta(seconds=3), "Workers last looked for due pushes at"),
        (timedelta(minutes=2), "No worker has looked for due pushes since"),
        (None, "No worker has looked for due pushes yet."),
    ],
)
def test_the_page_tells_when_the_workers_last_swept(in_english: Client, ago: timedelta | None, shown: str) -> None:
    if ago is not None:
        schedules.take(schedules.SWEEP, timedelta(seconds=2))
        ScheduleLease.objects.update(taken_at=timezone.now() - ago)

    html = in_english.get(reverse("admin:index")).content.decode()

    assert shown in html
    assert ("make worker" in html) is (ago != timedelta(seconds=3))
