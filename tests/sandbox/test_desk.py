"""What a person does with the sandbox, and who may not."""

from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.conftest import RECEIVER, push
from wechat.sandbox import pages
from wechat.sandbox.phones import MOST_BINDINGS, MOST_PHONES, MOST_TRAILS, Phones, TooManyBindings
from wechat.sandbox.validation import Node, PathNotify

PAGES = ["/", "/sandbox/", "/sandbox/landing?waybill_id=1"]
FILES = [*PAGES, "/sandbox/sandbox.css", "/sandbox/sandbox.js", "/sandbox/landing.js", "/sandbox/icon.svg"]
pages_directory = Path(pages.__file__).parent / "pages"


@pytest.mark.asyncio
@pytest.mark.parametrize("path", FILES)
async def test_each_page_and_file_is_served_with_headers_that_keep_it_to_itself(sandbox: Any, path: str):
    async with sandbox() as far, far.http.get(far.base + path) as response:
        assert response.status == 200
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "script-src 'self' http://127.0.0.1:8000;" in policy


@pytest.mark.asyncio
async def test_the_short_address_leads_to_the_page(sandbox: Any):
    async with sandbox() as far:
        assert await far.status("GET", "/sandbox", allow_redirects=False) == 302


def test_no_page_loads_from_elsewhere_and_no_script_makes_markup_of_data():
    for file in pages_directory.iterdir():
        text = file.read_text(encoding="utf-8")
        own = text.replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in own
        assert "https://" not in own
        for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "style="):
            assert forbidden not in text


@pytest.mark.asyncio
async def test_a_phone_is_bound_and_unbound(sandbox: Any):
    async with sandbox() as far:
        answers = [(await far.call("userquery", {"phone": RECEIVER}))["exist"]]
        for action in ("bind", "unbind"):
            await far.post(f"/sandbox/api/{action}", json={"phone": RECEIVER})
            answers.append((await far.call("userquery", {"phone": RECEIVER}))["exist"])

    assert answers == [0, 1, 0]


@pytest.mark.asyncio
async def test_bind_all_binds_everyone_until_unbound_and_a_list_binds_its_own(sandbox: Any):
    async with sandbox(bind_all=True) as far:
        await far.post("/sandbox/api/unbind", json={"phone": RECEIVER})
        everyone = [(await far.call("userquery", {"phone": phone}))["exist"] for phone in (RECEIVER, "13900139000")]
    async with sandbox(bound=frozenset({RECEIVER})) as far:
        listed = [(await far.call("userquery", {"phone": phone}))["exist"] for phone in (RECEIVER, "13900139000")]

    assert everyone == [0, 1]
    assert listed == [1, 0]


@pytest.mark.asyncio
@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"phone":13800138000}', b'{"phone":"<script>"}'])
async def test_what_is_no_phone_is_not_bound(sandbox: Any, body: bytes):
    async with sandbox() as far:
        status = await far.status("POST", "/sandbox/api/bind", data=body, headers={"Content-Type": "application/json"})

        state = await far.get("/sandbox/api/state")

    assert status == 400
    assert state["phones"] == []


@pytest.mark.asyncio
async def test_no_more_phones_are_bound_than_the_sandbox_remembers(sandbox: Any):
    async with sandbox(bound=frozenset(str(13800000000 + number) for number in range(MOST_BINDINGS))) as far:
        assert await far.status("POST", "/sandbox/api/bind", json={"phone": "15000000000"}) == 400


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "application/json"}, 200),
        ({"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "application/json", "Origin": "https://evil.example"}, 403),
        ({"Content-Type": "application/json", "Origin": "null"}, 403),
        ({"Content-Type": "application/json", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Content-Type": "application/json", "Sec-Fetch-Site": "same-site"}, 403),
        ({"Content-Type": "application/json", "Origin": "[::1"}, 403),
        ({"Content-Type": "application/json", "Host": "evil.example"}, 403),
        ({"Content-Type": "application/json", "Host": "[::1"}, 403),
        ({"Content-Type": "application/json", "Host": "[::1]:8001"}, 200),
        ({"Content-Type": "application/json", "Host": "localhost:8001", "Origin": "http://localhost:8001"}, 200),
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["bind", "unbind", "faults", "tokens/expire"])
async def test_another_sites_page_changes_nothing(sandbox: Any, path: str, headers: dict[str, str], status: int):
    body = b'{"phone":"13800138000","call":"any","kind":"slow"}'
    async with sandbox() as far:
        version = far.world.version

        answered = await far.status("POST", f"/sandbox/api/{path}", data=body, headers=headers)

    assert (200 if answered == 201 else answered) == status
    assert (far.world.version == version) is (status != 200)


@pytest.mark.asyncio
async def test_another_sites_page_clears_no_faults_and_reads_nothing_by_a_borrowed_name(sandbox: Any):
    async with sandbox() as far:
        await far.order_fault(kind="slow")

        statuses = [
            await far.status("DELETE", "/sandbox/api/faults", headers={"Origin": "https://evil.example"}),
            await far.status("GET", "/sandbox/api/state", headers={"Host": "evil.example:8001"}),
            await far.status("GET", "/sandbox/", headers={"Host": "evil.example"}),
        ]

        faults = (await far.get("/sandbox/api/faults"))["faults"]

    assert statuses == [403, 403, 403]
    assert len(faults) == 1


@pytest.mark.asyncio
async def test_the_own_origin_may(sandbox: Any):
    async with sandbox() as far:
        status = await far.status("POST", "/sandbox/api/bind", json={"phone": RECEIVER}, headers={"Origin": far.base})

    assert status == 200


@pytest.mark.asyncio
async def test_the_state_is_sent_only_when_it_has_changed(sandbox: Any):
    async with sandbox() as far:
        version = (await far.get("/sandbox/api/state"))["version"]

        unchanged = await far.get(f"/sandbox/api/state?since={version}")
        await far.bind()
        changed = await far.get(f"/sandbox/api/state?since={version}")

    assert unchanged == 204
    assert changed["phones"][0]["bound"] is True


@pytest.mark.asyncio
async def test_the_ledger_tells_every_call_newest_first_by_name_waybill_and_place(sandbox: Any):
    async with sandbox() as far:
        await far.call("userquery", {"phone": RECEIVER})
        await far.notify()
        await far.call("pathnotify", push(waybill_id=""))

        ledger = await far.get("/sandbox/api/ledger")
        found = {
            query: [call["id"] for call in (await far.get(f"/sandbox/api/ledger?{query}"))["calls"]]
            for query in ("call=pathnotify", "waybill_id=SF100200300", "after=2", "limit=1")
        }

    assert [call["call"] for call in ledger["calls"]] == ["pathnotify", "pathnotify", "userquery", "stable_token"]
    assert ledger["counts"] == {
        "pathnotify": {"0": 1, "40097": 1},
        "stable_token": {"0": 1},
        "userquery": {"0": 1},
    }
    pushed = ledger["calls"][1]
    assert (pushed["phone"], pushed["action_type"], pushed["exist"]) == (RECEIVER, 300002, 0)
    assert found == {"call=pathnotify": [4, 3], "waybill_id=SF100200300": [3], "after=2": [4, 3], "limit=1": [4]}


@pytest.mark.asyncio
async def test_the_ledger_is_bounded_and_holds_no_secret(sandbox: Any):
    async with sandbox(ledger_size=3) as far:
        for _ in range(5):
            await far.call("userquery", {"phone": RECEIVER})

        async with far.http.get(f"{far.base}/sandbox/api/ledger") as response:
            text = await response.text()
            calls = (await response.json())["calls"]

    assert len(calls) == 3
    assert far.access_token not in text
    assert "s3cret" not in text


@pytest.mark.asyncio
@pytest.mark.parametrize("query", ["limit=-1", "limit=x", "after=²", "after=" + "9" * 30])
async def test_a_number_that_is_none_is_refused(sandbox: Any, query: str):
    async with sandbox() as far:
        assert await far.get(f"/sandbox/api/ledger?{query}") == 400


@pytest.mark.asyncio
async def test_the_landing_page_learns_where_its_data_is(sandbox: Any):
    async with sandbox(waybill_param="no", callback_param="cb") as far:
        config = await far.get("/sandbox/api/config")

    assert config["landing_url"] == "http://127.0.0.1:8000/waybills/info/"
    assert (config["waybill_param"], config["callback_param"]) == ("no", "cb")
    assert "secret" not in config


@pytest.mark.asyncio
async def test_latency_is_what_each_call_takes_at_least(sandbox: Any):
    async with sandbox(latency=0.05) as far:
        await far.call("userquery", {"phone": RECEIVER})

        assert (await far.newest_call())["duration_ms"] >= 50


def test_phones_are_forgotten_beyond_their_number_but_stay_bound():
    phones = Phones(bind_all=False)
    phones.bind("13800000000", bound=True)

    for number in range(MOST_PHONES):
        phones.see(str(13900000000 + number))

    assert len(phones) == MOST_PHONES
    assert phones.is_bound("13800000000")


def test_a_phones_waybills_and_messages_and_the_trails_are_bounded():
    phones = Phones(bind_all=True)

    for number in range(MOST_TRAILS + 1):
        phones.receive(_push(str(number)), None, 0.0)
    for moment in range(600):
        phones.receive(_push("long", moment), None, 0.0)

    (phone,) = phones.described()
    assert len(phone["messages"]) == 50
    assert len(phones.see("13800138000").waybills) == 20
    assert len(phones.trail("long")) == 500
    assert phones.trail("long")[0].action_time == 599
    assert phones.trail("0") == ()


def test_phones_keep_their_order_while_messages_arrive():
    phones = Phones(bind_all=False, bound=["13800138000", "13800138001", "13800138002"])
    phones.see("13800138003")

    phones.receive(_push("1", phone="13800138002"), None, 1.0)
    phones.receive(_push("2", phone="13800138000"), None, 2.0)
    first = numbers_of(phones)
    phones.receive(_push("3", phone="13800138002"), None, 3.0)
    phones.see("13800138003")

    assert first == numbers_of(phones) == ["13800138002", "13800138000", "13800138001", "13800138003"]
    assert phones.newest_message == {"phone": "13800138002", "at": 3.0}


def test_a_phone_is_found_by_digits_of_its_number_however_many_there_are():
    phones = Phones(bind_all=True)
    for number in range(200):
        phones.see(str(13900000000 + number))

    assert "13900000199" not in numbers_of(phones)
    assert numbers_of(phones, "0199") == ["13900000199"]
    assert numbers_of(phones, "777") == []


def numbers_of(phones: Phones, digits: str = "") -> list[str]:
    return [phone["phone"] for phone in phones.described(digits)]


def _push(waybill_id: str, moment: int = 0, phone: str = "13800138000") -> PathNotify:
    return PathNotify(waybill_id, 1, "", phone, Node(moment, 300002, "派送中"))


def test_bindings_are_bounded():
    phones = Phones(bind_all=False, bound=[str(13800000000 + number) for number in range(MOST_BINDINGS)])

    with pytest.raises(TooManyBindings):
        phones.bind("15000000000", bound=True)

    phones.bind("13800000000", bound=False)
    assert not phones.is_bound("13800000000")
