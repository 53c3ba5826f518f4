"""The pages in Chromium: messages that arrive by themselves, binding, faults, and the landing page's JSONP."""

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import Page, async_playwright, expect

from tests.sandbox.conftest import RECEIVER, Far

pytestmark = [pytest.mark.asyncio, pytest.mark.browser]
HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=1</script>'
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@asynccontextmanager
async def browsing(far: Far, path: str = "/sandbox/") -> AsyncIterator[Page]:
    """Open a page, and close it having complained of nothing."""
    complaints: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await browser.new_page(viewport={"width": 1280, "height": 900})
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(far.base + path)
        yield page
        await browser.close()
    assert complaints == []


@asynccontextmanager
async def portal(**changes: Any) -> AsyncIterator[str]:
    """Serve JSONP from an origin of its own."""
    answer = {
        "ResultCode": 0,
        "ResultMsg": "OK",
        "WaybillId": HOSTILE,
        "WaybillCreateTime": 1_600_000_000,
        "Sender": {"Name": "张*", "Province": "浙江省", "City": "绍兴市"},
        "Receiver": {"Name": "李*", "Province": "福建省", "City": "泉州市"},
        "Path": [
            {
                "ActionTime": 1_600_000_100,
                "ActionType": 300002,
                "ActionMsg": f"派送中,电话13905950001{HOSTILE}",
                "DeliveryCourierName": "王五",
                "DeliveryCourierPhone": "13905950001",
            },
            {"ActionTime": 1_600_000_000, "ActionType": 300001, "ActionMsg": "已揽件"},
        ],
        "Cell": [
            {"Key": "pay", "Name": "支付运单", "Link": "https://carrier.example/pay"},
            {"Key": "bad", "Name": "坏链接", "Link": "javascript:document.title=1"},
        ],
        **changes,
    }

    async def info(request: web.Request) -> web.Response:
        asked.append(dict(request.query))
        text = f"/**/{request.query['callback']}({json.dumps(answer)});"
        return web.Response(text=text, content_type="text/javascript", headers={"X-Content-Type-Options": "nosniff"})

    asked: list[dict[str, str]] = []
    app = web.Application()
    app.router.add_get("/waybills/info/", info)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/waybills/info/"
    finally:
        await runner.cleanup()
    assert {query["waybill_id"] for query in asked} == {"SF100200300"}


async def test_a_message_arrives_by_itself_and_its_text_is_text(sandbox: Any):
    async with sandbox(bind_all=True) as far, browsing(far) as page:
        await expect(page.locator("#no-phones")).to_be_visible()

        await far.notify(waybill_id=HOSTILE, path__action_msg=HOSTILE)

        await expect(page.locator(".card b")).to_have_text("快件派送中")
        await expect(page.locator(".card .text")).to_have_text(HOSTILE)
        await expect(page.locator("#messages-sent")).to_have_text("1")
        assert await page.title() == "微信沙箱 · 手机号物流消息推送"


async def test_a_second_message_stands_above_the_first(sandbox: Any):
    async with sandbox(bind_all=True) as far, browsing(far) as page:
        await far.notify()
        await expect(page.locator(".card")).to_have_count(1)

        await far.notify(path__action_type=300003, path__action_msg="已签收")

        await expect(page.locator(".card b")).to_have_text(["快件已签收", "快件派送中"])


async def test_a_phone_is_bound_by_its_number_and_unbound_by_its_button(sandbox: Any):
    async with sandbox() as far, browsing(far) as page:
        await page.fill("#bind-phone", RECEIVER)
        await page.click("#bind-form button")
        await expect(page.locator(".phone .state")).to_have_text("已绑定")

        await page.click(".phone .toggle")

        await expect(page.locator(".phone .state")).to_have_text("未绑定")
        assert not far.world.phones.is_bound(RECEIVER)


async def test_phones_stay_where_they_are_and_the_newest_message_is_marked(sandbox: Any):
    async with sandbox(bind_all=True) as far, browsing(far) as page:
        await far.notify()
        await far.notify(receiver__phone="13800138009")
        numbers = page.locator(".phone .number")
        await expect(numbers).to_have_text([RECEIVER, "13800138009"])
        await expect(page.locator(".phone.newest .number")).to_have_text("13800138009")

        await far.notify(path__action_type=300003)

        await expect(page.locator(".phone.newest .number")).to_have_text(RECEIVER)
        await expect(page.locator("#newest")).to_contain_text(f"最新消息：{RECEIVER}")
        await expect(numbers).to_have_text([RECEIVER, "13800138009"])


async def test_a_phone_is_found_by_its_number(sandbox: Any):
    async with sandbox(bound=frozenset({RECEIVER, "13800138009"})) as far, browsing(far) as page:
        await expect(page.locator(".phone")).to_have_count(2)

        await page.fill("#find-phone", "8009")
        await expect(page.locator(".phone .number")).to_have_text(["13800138009"])
        await page.fill("#find-phone", "777")

        await expect(page.locator("#none-found")).to_be_visible()
        await expect(page.locator("#no-phones")).to_be_hidden()


async def test_the_switch_of_the_white_list_says_when_it_shows(sandbox: Any):
    async with sandbox() as far, browsing(far) as page:
        label = page.locator("#faults label", has_text="IP 不在白名单")

        await expect(label).to_contain_text("令牌续期时才出现")


async def test_a_fault_is_switched_on_and_off(sandbox: Any):
    async with sandbox() as far, browsing(far) as page:
        switch = page.locator("#faults label", has_text="当日额度用完").locator("input")
        await switch.check()
        refused = await far.notify()
        await expect(page.locator("#calls .refused .code")).to_have_text("45009")

        await switch.uncheck()

        await expect(page.locator("#clear-faults")).to_be_hidden()
        assert refused["errcode"] == 45009
        assert (await far.notify())["errcode"] == 0


async def test_the_token_is_expired_by_a_button(sandbox: Any):
    async with sandbox() as far, browsing(far) as page:
        await far.call("userquery", {"phone": RECEIVER})

        async with page.expect_response("**/tokens/expire"):
            await page.click("#expire-tokens")

        assert (await far.call("userquery", {"phone": RECEIVER}))["errcode"] == 42001


async def test_a_message_opens_the_landing_page_which_the_portal_fills_from_another_origin(sandbox: Any):
    async with (
        portal() as landing_url,
        sandbox(bind_all=True, landing_url=landing_url) as far,
        browsing(far) as page,
    ):
        await far.notify()
        await page.click(".card")

        landing = page.frame_locator("iframe")

        await expect(landing.locator("#stage")).to_have_text("派送中")
        await expect(landing.locator("#waybill-id")).to_have_text(HOSTILE)
        await expect(landing.locator(".trail li b")).to_have_text(["派送中", "物流更新"])
        await expect(landing.locator(".trail a").first).to_have_attribute("href", "tel:13905950001")
        await expect(landing.locator("a.cell")).to_have_attribute("href", "https://carrier.example/pay")
        await expect(landing.locator("span.cell")).to_have_text("坏链接")


@pytest.mark.parametrize(("code", "said"), [(1001, "查不到这票快件"), (1004, "查询过于频繁")])
async def test_the_landing_page_says_why_there_is_nothing(sandbox: Any, code: int, said: str):
    path = "/sandbox/landing?waybill_id=SF100200300"
    async with (
        portal(ResultCode=code, ResultMsg="no", Path=[], Cell=[]) as landing_url,
        sandbox(landing_url=landing_url) as far,
        browsing(far, path) as page,
    ):
        await expect(page.locator("#stage")).to_have_text(said)
        await expect(page.locator("#parcel")).to_be_hidden()
