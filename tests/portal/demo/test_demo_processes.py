"""`make demo` as it runs: everything answers, events arrive by themselves, and Ctrl-C leaves nothing."""

import os
import signal
import socket
from pathlib import Path
from typing import Any

import pytest
import requests

from portal.demo.lock import only_demo
from tests.live import eventually, free_port
from tests.portal.conftest import Processes, run
from tests.portal.test_processes import command, family

pytestmark = pytest.mark.processes


@pytest.fixture
def demo(production: dict[str, str]) -> dict[str, str]:
    """Return the environment that `python -m portal.demo` would set."""
    port = free_port()
    return production | {
        "DEMO_PASSWORD": "a demo's password",
        "SANDBOX_PORT": str(port),
        "SANDBOX_URL": f"http://127.0.0.1:{port}/sandbox/",
        "WECHAT_API_BASE": f"http://127.0.0.1:{port}",
    }


def settled_since_start(url: str, token: str) -> list[dict[str, Any]]:
    answer = requests.get(f"{url}/api/v1/pushes/?state=sent", headers={"Authorization": f"Token {token}"}, timeout=20)
    pushes: list[dict[str, Any]] = answer.json()["results"]
    return pushes


def test_everything_answers_pushes_flow_and_ctrl_c_leaves_nothing(
    demo: dict[str, str], processes: Processes, tmp_path: Path
) -> None:
    url, token_file = f"http://127.0.0.1:{demo['PORT']}", tmp_path / "demo.token"
    process = processes.start(demo, "manage.py", "demo", f"--token-file={token_file}")

    eventually(lambda: "Ctrl-C" in processes.output())

    assert f"{url}/admin/" in processes.output()
    assert "password a demo's password" in processes.output()
    leads = requests.get(f"{url}/sandbox/", allow_redirects=False, timeout=20)
    assert leads.headers["Location"] == demo["SANDBOX_URL"]
    eventually(lambda: settled_since_start(url, token_file.read_text().strip()))
    everything = family(process.pid)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert len(everything) >= 6
    assert not any(command(pid) for pid in everything)


def test_a_taken_port_of_the_sandbox_is_named(demo: dict[str, str], tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(demo["SANDBOX_PORT"])))
        taken.listen()

        result = run(demo, "manage.py", "demo", f"--token-file={tmp_path / 'demo.token'}")

    assert result.returncode == 1
    assert "SANDBOX_PORT=" in result.stderr


def test_one_port_for_both_is_refused(demo: dict[str, str]) -> None:
    result = run(demo | {"SANDBOX_PORT": demo["PORT"]}, "manage.py", "demo")

    assert result.returncode == 1
    assert f"PORT and SANDBOX_PORT are both {demo['PORT']}" in result.stderr


def test_a_second_demo_in_the_same_folder_is_refused_and_the_first_is_named(
    demo: dict[str, str], tmp_path: Path
) -> None:
    token_file = tmp_path / "demo.token"
    with only_demo(tmp_path / "demo.lock", "http://127.0.0.1:8000/"):
        refused = run(demo, "manage.py", "demo", f"--token-file={token_file}")

    assert refused.returncode == 1
    assert f"(process {os.getpid()}, http://127.0.0.1:8000/)" in refused.stderr
    assert not token_file.exists()


def test_a_lock_that_a_dead_demo_left_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "demo.lock").write_text("process 1, http://127.0.0.1:1/\n")

    with only_demo(tmp_path / "demo.lock", "http://127.0.0.1:8000/"):
        assert (tmp_path / "demo.lock").read_text() == f"process {os.getpid()}, http://127.0.0.1:8000/\n"


def test_the_feed_survives_a_portal_that_is_away_and_ends_by_sigterm(
    demo: dict[str, str], processes: Processes, tmp_path: Path
) -> None:
    token_file = tmp_path / "demo.token"
    token_file.write_text("nobody's")
    feed = processes.start(demo, "manage.py", "demo_feed", "--every=0.1", f"--token-file={token_file}")

    eventually(lambda: "the portal did not answer" in processes.output())

    assert feed.poll() is None
    os.kill(feed.pid, signal.SIGTERM)
    assert feed.wait(10) == 0
