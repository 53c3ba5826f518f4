"""`manage.py sandbox`: what it refuses to start with, and that a signal ends it."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

ROOT = Path(__file__).parents[2]
SETTINGS = {
    "api_base": "http://127.0.0.1:8001",
    "appid": "wx1",
    "secret": "s3cret",
    "username": "gh_1",
    "token": "AAAAA",
    "aes_keys": (bytes(32),),
}
ENVIRONMENT = {
    "DJANGO_DEBUG": "1",
    "WECHAT_APPID": "wx1234567890abcdef",
    "WECHAT_SECRET": "s3cret",
    "WECHAT_USERNAME": "gh_ea48699fb159",
    "WECHAT_TOKEN": "AAAAA",
    "WECHAT_AES_KEYS": "A" * 43,
    "WECHAT_API_BASE": "http://127.0.0.1:8001",
    "PORTAL_ENV_FILE": os.devnull,
}


@pytest.mark.parametrize(
    "api_base", ["https://api.weixin.qq.com", "http://127.0.0.1.example:8001", "http://10.0.0.1:8001", "http:///"]
)
def test_it_refuses_to_start_where_the_portal_calls_another_machine(change: Any, api_base: str):
    change("WECHAT", **(SETTINGS | {"api_base": api_base}))

    with pytest.raises(CommandError, match="WECHAT_API_BASE"):
        call_command("sandbox")


@pytest.mark.parametrize(
    ("field", "variable"),
    [
        ("appid", "WECHAT_APPID"),
        ("secret", "WECHAT_SECRET"),
        ("username", "WECHAT_USERNAME"),
        ("token", "WECHAT_TOKEN"),
        ("aes_keys", "WECHAT_AES_KEYS"),
    ],
)
def test_it_names_the_variable_that_is_missing(change: Any, field: str, variable: str):
    change("WECHAT", **(SETTINGS | {field: () if field == "aes_keys" else ""}))

    with pytest.raises(CommandError, match=variable):
        call_command("sandbox")


@pytest.mark.parametrize("api_base", ["http://127.0.0.1:8001", "http://localhost:8001", "http://[::1]:8001"])
@pytest.mark.parametrize("bind", ["--bind=all", "--bind=13800138000, 13900139000"])
def test_a_taken_port_is_said_whichever_the_loopback_address(change: Any, api_base: str, bind: str):
    change("WECHAT", **(SETTINGS | {"api_base": api_base, "aes_keys": ()}))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        with pytest.raises(CommandError, match="cannot listen"):
            call_command("sandbox", f"--port={taken.getsockname()[1]}", "--mode=plain", "--latency-ms=5", bind)


@pytest.mark.parametrize(
    "option",
    [
        "--callback-url=/wechat/callback/",
        "--callback-url=ftp://127.0.0.1/",
        "--landing-url=http://127.0.0.1:8000/;script-src *",
        "--bind=13800138000,0571",
        "--latency-ms=-1",
        "--latency-ms=999999",
        "--mode=open",
        "--format=csv",
    ],
)
def test_an_option_of_the_wrong_shape_is_refused(change: Any, option: str):
    change("WECHAT", **SETTINGS)

    with pytest.raises(CommandError):
        call_command("sandbox", option)


@pytest.mark.processes
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(ending: signal.Signals):
    command = [sys.executable, "manage.py", "sandbox", "--port=0", "--bind=13800138000,13900139000"]
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **ENVIRONMENT}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        announced = process.stdout.readline()
        port = int(announced.split("127.0.0.1:")[1].split("/")[0])
        with socket.create_connection(("127.0.0.1", port)):
            process.send_signal(ending)
            said, complained = process.communicate(timeout=20)

    assert "safe, xml" in announced
    assert process.returncode == 0
    assert (said, complained) == ("", "")
