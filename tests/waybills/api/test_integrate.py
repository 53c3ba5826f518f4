"""docs/integrate.md: what stands there runs, against a server that listens."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests
from pytest_django.live_server_helper import LiveServer

from tests.factories import settle
from waybills.action_types import MESSAGE_TYPES
from waybills.models import Push, PushReason, PushState, Waybill

# The server writes on connections of its own.
pytestmark = pytest.mark.django_db(transaction=True)

DOCUMENT = Path(__file__).parents[3] / "docs" / "integrate.md"


def block(language: str) -> str:
    """Return the document's code in a language."""
    (code,) = re.findall(rf"```{language}\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    return str(code)


def run(command: list[str], folder: Path, server: LiveServer, token: str) -> str:
    environment = os.environ | {"PORTAL": server.url, "TOKEN": token}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_python_posts_and_tells_who_needs_an_sms(token: str, server: LiveServer, tmp_path: Path) -> None:
    (tmp_path / "client.py").write_text(block("python"))
    client = [sys.executable, "client.py"]

    before = run(client, tmp_path, server, token)
    numbers = list(Waybill.objects.order_by("no").values_list("no", flat=True))
    for no, state in zip(numbers, ("sent", "unbound", "unknown"), strict=True):
        settle(Push.objects.filter(waybill__no=no, action_type=300002), state)
    settle(Push.objects.filter(waybill__no=numbers[0], action_type=100001), "sent")
    time.sleep(1.1)  # its numbers are made of seconds
    after = run(client, tmp_path, server, token)

    assert before == ""
    assert after.splitlines() == [
        f"{numbers[0]} 300002 no SMS",
        f"{numbers[1]} 300002 SMS",
        f"{numbers[2]} 300002 SMS",
        f"{numbers[0]} 100001 no SMS",
    ]
    assert (Waybill.objects.count(), Push.objects.count()) == (6, 12)
    assert run(client, tmp_path, server, token) == ""


def test_the_python_says_which_item_was_not_stored(token: str, server: LiveServer, tmp_path: Path) -> None:
    (tmp_path / "client.py").write_text(block("python").replace('"action_type": 300002', '"action_type": 7'))

    output = run([sys.executable, "client.py"], tmp_path, server, token)

    numbers = Waybill.objects.order_by("no").values_list("no", flat=True)
    assert [line.rpartition("} ")[2] for line in output.splitlines()] == ["None action_type unknown_action_type"] * 3
    assert [no for no in numbers if f"'{no}'" in output] == list(numbers)


def test_the_shell_posts_and_reads_the_feed(token: str, server: LiveServer, tmp_path: Path) -> None:
    output = run(["sh", "-euc", block("sh")], tmp_path, server, token)

    answers = [orjson.loads(answer) for answer in output.replace("}{", "}\n{").splitlines()]
    assert [answer["paths"]["created"] for answer in answers[:2]] == [1, 1]
    (push,) = Push.objects.filter(action_type=300002)
    settle(Push.objects.filter(pk=push.pk), "sent")
    headers = {"Authorization": f"Token {token}"}
    page = requests.get(answers[2]["next"], headers=headers, timeout=10).json()
    assert [result["notified"] for result in page["results"]] == [True]


def test_the_table_of_the_sms_names_every_state_and_every_type_that_makes_a_message() -> None:
    text = DOCUMENT.read_text()
    rows = re.findall(r"^\| `(?:true|false|null)` \| `(\w+)`", text, re.MULTILINE)

    assert set(rows) == set(PushState.values) - {PushState.PENDING}
    assert all(str(int(code)) in text for code in MESSAGE_TYPES)
    reasons = {PushReason.PAST_DEADLINE, PushReason.OVERTAKEN, PushReason.PHONE_NOT_MOBILE}
    assert set(re.findall(r"`reason` `(\w+)`", text)) == reasons


def test_the_python_decides_as_the_table_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL", "http://127.0.0.1:1")
    monkeypatch.setenv("TOKEN", "none")
    client: dict[str, Any] = {"__name__": "client"}
    exec(block("python"), client)

    def needs_sms(state: str, reason: str = "", notified: bool | None = False, age: int = 60, **more: int) -> bool:
        push = {"state": state, "reason": reason, "notified": notified, "action_time": int(time.time()) - age}
        return bool(client["needs_sms"]({"action_type": 300002, **push, **more}))

    assert not needs_sms("sent", notified=True)
    assert needs_sms("unbound")
    assert needs_sms("failed")
    assert needs_sms("skipped", "type_excluded")
    assert not needs_sms("skipped", "phone_not_mobile")
    assert needs_sms("expired", "past_deadline")
    assert not needs_sms("expired", "past_deadline", age=86_400)
    assert not needs_sms("expired", "overtaken")
    assert not needs_sms("cancelled")
    assert not needs_sms("sent", action_type=200001)
    assert needs_sms("unknown", notified=None)
    assert not needs_sms("unknown", notified=None, action_type=300003)
