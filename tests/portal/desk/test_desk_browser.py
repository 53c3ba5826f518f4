"""A day's work in a real browser: log in, find the waybill, read why it failed, send it again."""

import os
import re
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.db import connections
from playwright.sync_api import Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from tests.factories import make_attempt, make_push, make_waybill
from waybills.models import Act, Push

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def page(server: LiveServer) -> Iterator[Page]:
    # Playwright's loop runs in this thread: Django would take every query for one in async code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        yield page
        # Under playwright's loop this thread has a connection of its own; it would outlive the database.
        connections.close_all()
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


def log_in(page: Page, server: LiveServer) -> None:
    page.goto(f"{server.url}/admin/")
    page.fill("[name=username]", "root")
    page.fill("[name=password]", "a long password of root")
    page.click("#login-form button[type=submit]")


def test_staff_find_a_failed_push_and_send_it_again(page: Page, server: LiveServer) -> None:
    User.objects.create_superuser("root", password="a long password of root")
    push = make_push(make_waybill("SF1390088776655"), action_type=300002, state="failed", reason="tries_used_up")
    make_attempt(push, outcome="refused", errcode=932001, errmsg="system error rid: 1-2-3")
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))

    log_in(page, server)
    page.fill(".desk-search [name=q]", "SF1390088776655")
    page.press(".desk-search [name=q]", "Enter")

    expect(page.locator(".desk-no")).to_have_text("SF1390088776655")
    expect(page.locator(".desk-explanation")).to_contain_text("932001")
    assert "13800138000" not in page.content()

    page.locator("summary", has_text="重新推送").click()
    page.fill("[name=reason]", "客户来电催办")
    page.get_by_role("button", name="确认：重新推送").click()

    expect(page.locator(f"#push-{push.pk} .desk-node-head")).to_contain_text("待推送")
    expect(page.get_by_text("已处理 1 条推送")).to_be_visible()
    expect(page).to_have_url(re.compile(rf"#push-{push.pk}$"))
    assert Push.objects.get(pk=push.pk).state == "pending"
    assert Act.objects.get().reason == "客户来电催办"
    assert faults == []


def test_on_a_phone_an_event_s_title_and_steps_have_room(page: Page, server: LiveServer) -> None:
    User.objects.create_superuser("root", password="a long password of root")
    push = make_push(make_waybill("SF1390088776655"), action_type=300006, state="failed", reason="tries_used_up")
    make_attempt(push, outcome="refused", errcode=932001, errmsg="system error rid: 1-2-3")
    page.set_viewport_size({"width": 390, "height": 844})

    log_in(page, server)
    page.goto(f"{server.url}/admin/waybills/waybill/{push.waybill_id}/change/")

    title, step = page.locator(".desk-type").bounding_box(), page.locator(".desk-step > div").last.bounding_box()
    assert title is not None
    assert step is not None
    assert title["height"] < 40
    assert step["width"] > 240
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
