"""What the doctor says of a healthy deployment and of a sick one: over real HTTP, to WeChat and to the callback."""

import io
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone, translation

from portal.environment import Problem
from tests.wechat.callback_server import always, serving
from tests.wechat.farside import FarSide, answer, hang_up, text
from waybills.documents import Contact
from waybills.ingest import WaybillItem, ingest
from waybills.line import stop_by_code
from wechat import audit
from wechat.crypto import encrypt
from wechat.doctor.callback import check_callback
from wechat.doctor.caller import Caller
from wechat.doctor.configuration import check_configuration
from wechat.doctor.findings import Finding, Grade
from wechat.doctor.storage import check_storage
from wechat.doctor.token import check_token
from wechat.models import AccessToken
from wechat.signature import sign

pytestmark = pytest.mark.django_db(transaction=True)

NEW_KEY, OTHER_KEY = b"\x01" * 32, b"\x02" * 32
MODES = ("safe", "compat", "plain")


@pytest.fixture(autouse=True)
def _fit_for_traffic(settings: Any, change: Any) -> Iterator[None]:
    settings.SECURE_SSL_REDIRECT = True
    change(
        "WECHAT",
        appid="wxba5fad812f8e6fb9",
        secret="s3cret-of-the-app",
        username="gh_97417a04a28d",
        token="AAAAA",
        aes_keys=(NEW_KEY, bytes(32)),
        message_mode="safe",
    )
    with translation.override("en"):
        yield
    audit.queue.waiting.clear()
    audit.refusals.take()


@pytest.fixture
def far(far: FarSide, change: Any) -> FarSide:
    change("WECHAT", appid="wxba5fad812f8e6fb9", secret="s3cret-of-the-app")
    return far


@pytest.fixture
def callback_url() -> Iterator[str]:
    from portal.wsgi import application

    with serving(application) as url:
        yield url


def examine(*arguments: str) -> tuple[str, int]:
    """Return what the command prints, and its exit status."""
    output = io.StringIO()
    try:
        call_command("wechat_doctor", *arguments, stdout=output, no_color=True)
    except CommandError as error:
        return output.getvalue(), error.returncode
    return output.getvalue(), 0


def ask(url: str, *, timer: Callable[[], float] = time.monotonic, ahead: float = 0, **wechat: Any) -> list[Finding]:
    """Return what is found at an address by who knows the mini program otherwise than the server does."""
    configured = replace(django_settings.WECHAT, **wechat)
    return list(check_callback(Caller(url, timer), configured, lambda: time.time() + ahead))


def problems(findings: list[Finding]) -> dict[str, str]:
    """Return what is wrong, by the check's name."""
    return {str(found.what): f"{found.says} {found.remedy}" for found in findings if found.grade is Grade.PROBLEM}


def grade_of(findings: list[Finding], what: str) -> Grade:
    return {str(found.what): found.grade for found in findings}[what]


def post_waybill() -> None:
    receiver = Contact(name="李四", phone="13763357711")
    ingest([WaybillItem("SF1", 1600000000, Contact(), receiver)], [])


# --- All well


def test_a_healthy_deployment_is_said_to_be_well(far: FarSide, callback_url: str) -> None:
    post_waybill()

    said, status = examine("--callback-url", callback_url)

    lines = said.splitlines()
    assert status == 0, said
    assert [line.split("]")[0] for line in lines].count("[ok") == 11
    assert lines[-1] == "All is well."
    assert "[wrong]" not in said


def test_the_report_is_chinese_for_a_chinese_reader(far: FarSide) -> None:
    with translation.override("zh-hans"):
        said, status = examine()

    assert status == 0, said
    assert "[正常] 配置：完整且格式正确。" in said
    assert said.splitlines()[-1] == "一切正常。"


def test_without_an_address_the_callback_is_not_checked_and_that_is_no_fault(far: FarSide) -> None:
    said, status = examine()

    assert status == 0, said
    assert "[note] Callback: Not checked: no --callback-url was given." in said


def test_neither_secret_nor_token_is_printed(far: FarSide, callback_url: str) -> None:
    far.token = "the-access-token-itself"

    said, _ = examine("--callback-url", callback_url)

    assert far.calls("stable_token")[0]["secret"] == "s3cret-of-the-app"
    assert "s3cret-of-the-app" not in said
    assert "the-access-token-itself" not in said
    assert "AAAAA" not in said


def test_each_finding_is_one_line_and_a_problem_makes_the_exit_status_1(far: FarSide, change: Any) -> None:
    change("WECHAT", username="")
    far.next("stable_token", answer(40164, errmsg="invalid ip 1.2.3.4\nnot in\x1b[31m whitelist rid: 1"))

    said, status = examine()

    assert status == 1
    wrong = [line for line in said.splitlines() if line.startswith("[wrong]")]
    assert wrong[0].startswith("[wrong] Configuration: WECHAT_USERNAME is not set. → Copy")
    assert "invalid ip 1.2.3.4 not in [31m whitelist rid: 1 → Add the address named" in wrong[1]
    assert len(wrong) == 2


@pytest.mark.parametrize("url", ["portal.example.com", "ftp://h/", "https://h/?a=1", "http://h:99999/"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(CommandError, match="--callback-url"):
        call_command("wechat_doctor", "--callback-url", url)


# --- Configuration


@pytest.mark.parametrize(
    ("field", "empty", "variable"),
    [
        ("appid", "", "WECHAT_APPID"),
        ("secret", "", "WECHAT_SECRET"),
        ("username", "", "WECHAT_USERNAME"),
        ("token", "", "WECHAT_TOKEN"),
        ("aes_keys", (), "WECHAT_AES_KEYS"),
    ],
)
def test_each_missing_variable_is_named_once(change: Any, field: str, empty: Any, variable: str) -> None:
    change("WECHAT", **{field: empty})

    found = [item for item in check_configuration() if item.grade is not Grade.NOTE]

    assert [item.says for item in found] == [f"{variable} is not set."]
    assert "WeChat's console" in str(found[0].remedy)


def test_a_misshapen_variable_is_not_called_missing(change: Any, settings: Any) -> None:
    change("WECHAT", token="")
    settings.CONFIGURATION_PROBLEMS = (Problem("WECHAT_TOKEN", "WECHAT_TOKEN is wrong: …", "Expected letters."),)

    assert problems(list(check_configuration())) == {
        "Configuration": "WECHAT_TOKEN is wrong: … (portal.E001) Expected letters."
    }
    assert len([found for found in check_configuration() if found.grade is Grade.PROBLEM]) == 1


def test_plain_mode_needs_no_key(change: Any) -> None:
    change("WECHAT", aes_keys=(), message_mode="plain")

    assert problems(list(check_configuration())) == {}


def test_a_system_check_s_error_is_a_problem_with_its_hint(settings: Any) -> None:
    settings.ALLOWED_HOSTS = []

    assert problems(list(check_configuration())) == {
        "Configuration": "DJANGO_ALLOWED_HOSTS is not set. (portal.E003) "
        "Name the hosts by which the desk and the API are reached, comma-separated."
    }


def test_a_machine_in_debug_is_not_asked_to_be_fit_for_traffic(settings: Any) -> None:
    settings.ALLOWED_HOSTS = []
    settings.DEBUG = True

    assert problems(list(check_configuration())) == {}


def test_joint_debugging_and_a_sandbox_are_noted(change: Any) -> None:
    change("PUSH", only_phones=frozenset({"13800138000", "13800138001"}))
    change("WECHAT", api_base="http://127.0.0.1:8001")

    notes = [str(found.says) for found in check_configuration() if found.grade is Grade.NOTE]

    assert notes == [
        "PUSH_ONLY_PHONES is set: only 2 phones are pushed to.",
        "WECHAT_API_BASE is not WeChat's: a sandbox is called.",
    ]


# --- What is stored


@pytest.mark.parametrize(
    ("group", "says"),
    [({"keys": (OTHER_KEY,)}, "PII_KEYS does not open"), ({"index_key": OTHER_KEY}, "PII_INDEX_KEY is not the one")],
)
def test_keys_that_are_not_those_of_the_data_are_a_problem(change: Any, group: dict[str, Any], says: str) -> None:
    post_waybill()
    change("SEAL", **group)

    assert says in problems(list(check_storage()))["Keys"]


@pytest.fixture
def _without_waybills() -> Iterator[None]:
    def rename(before: str, after: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {before} RENAME TO {after}")

    rename("waybills_waybill", "away")
    yield
    rename("away", "waybills_waybill")


@pytest.mark.usefixtures("_without_waybills")
def test_tables_that_cannot_be_read_are_a_problem() -> None:
    assert problems(list(check_storage()))["Keys"].startswith("The tables cannot be read.")


@pytest.fixture
def _away() -> Iterator[None]:
    from waybills.readiness import require_migrations

    require_migrations.cache_clear()
    connection.close()
    name = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = "/nowhere/at/all"
    yield
    connection.close()
    connection.settings_dict["NAME"] = name


@pytest.mark.usefixtures("_away")
def test_a_database_that_is_away_is_one_problem_and_the_rest_is_still_checked(far: FarSide) -> None:
    said, status = examine()

    assert status == 1
    assert said.count("[wrong]") == 1
    assert "[wrong] Database: The database does not answer. → Check DATABASE_URL" in said
    assert "[note] Keys, line: Not checked" in said
    assert "[ok] Token" in said


@pytest.fixture
def _waiting_migration() -> Iterator[None]:
    from waybills.readiness import require_migrations

    def rename(before: str, after: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE django_migrations SET name = %s WHERE app = 'wechat' AND name = %s", [after, before])

    newest = max(name for app, name in MigrationRecorder(connection).applied_migrations() if app == "wechat")
    require_migrations.cache_clear()
    rename(newest, "none")
    yield
    require_migrations.cache_clear()
    rename("none", newest)


@pytest.mark.usefixtures("_waiting_migration")
def test_migrations_that_wait_are_a_problem() -> None:
    assert problems(list(check_storage())) == {"Database": "Migrations wait. Run manage.py migrate."}


def test_a_line_that_wechat_s_code_stopped_is_explained() -> None:
    now = timezone.now()
    stop_by_code(code=150004, reason="rid: 1", remedy="Ask WeChat.", probe_at=None, now=now)

    said = problems(list(check_storage()))["Line"]

    assert "0 pushes wait: 150004 WeChat has not set this mini program up as a carrier. rid: 1 Ask WeChat." in said
    assert "Stopped since 20" in said


def test_a_line_that_a_person_stopped_says_why_and_how_it_runs_again(django_user_model: Any) -> None:
    from waybills.services import stop_line

    stop_line(actor=django_user_model.objects.create(username="staff"), reason="typhoon")

    said = problems(list(check_storage()))["Line"]

    assert "typhoon" in said
    assert "Resume it on the desk" in said


# --- The token


def test_a_stored_token_is_not_taken_for_an_answer(far: FarSide) -> None:
    AccessToken.objects.create(pk=1, retry_at=timezone.now() + timedelta(minutes=1))

    found = list(check_token(time.time))

    assert found[0].says == "WeChat gives one, for 7200 s."
    assert len(far.calls("stable_token")) == 1
    assert far.calls("stable_token")[0]["force_refresh"] is False
    assert AccessToken.objects.get().sealed is None


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (40001, "The secret is not valid. no rid: 40001 Correct WECHAT_SECRET."),
        (40125, "The secret is not valid. no rid: 40125 Correct WECHAT_SECRET."),
        (40013, "The appid is not valid. no rid: 40013 Correct WECHAT_APPID."),
        (-1, "WeChat is busy. no rid: -1 Nothing: it is tried again by itself."),
        (12345, "Give WeChat's support the rid in the message."),
    ],
)
def test_wechat_s_code_is_explained_with_its_remedy(far: FarSide, code: int, remedy: str) -> None:
    far.next("stable_token", answer(code))

    said = problems(list(check_token(time.time)))["Token"]

    assert said.startswith(f"{code} ")
    assert said.endswith(remedy)


def test_a_secret_that_wechat_repeats_is_not_shown(far: FarSide) -> None:
    far.next("stable_token", answer(40125, errmsg="invalid s3cret-of-the-app"))

    assert "invalid … Correct" in problems(list(check_token(time.time)))["Token"]


@pytest.mark.parametrize("reply", [text("<html>", 502), text("{}"), answer(0), hang_up])
def test_an_answer_that_is_not_wechat_s_is_a_problem(far: FarSide, reply: Any) -> None:
    far.next("stable_token", reply)

    assert "No usable answer" in problems(list(check_token(time.time)))["Token"]


def test_an_api_that_is_not_reached_is_a_problem(change: Any) -> None:
    with serving(always("200 OK")) as url:
        gone = url.removesuffix("/wechat/callback/")
    change("WECHAT", api_base=gone)

    found = list(check_token(time.time))

    assert "WeChat is not reached: ConnectionError." in problems(found)["Token"]
    assert len(found) == 1


def test_without_a_secret_wechat_is_not_asked(far: FarSide, change: Any) -> None:
    change("WECHAT", secret="")

    assert [found.grade for found in check_token(time.time)] == [Grade.NOTE]
    assert far.asked == []


@pytest.mark.parametrize(
    ("off", "grade"), [(0, Grade.OK), (-60, Grade.NOTE), (60, Grade.NOTE), (400, Grade.PROBLEM), (-400, Grade.PROBLEM)]
)
def test_a_clock_that_is_off_is_told(far: FarSide, off: float, grade: Grade) -> None:
    found = list(check_token(lambda: time.time() + off))

    assert grade_of(found, "Clock") is grade


def test_a_clock_is_no_problem_where_timestamps_are_not_checked(far: FarSide, change: Any) -> None:
    change("WECHAT", callback_tolerance=timedelta(0))

    assert grade_of(list(check_token(lambda: time.time() + 400)), "Clock") is Grade.NOTE


def test_a_date_that_is_none_says_nothing_of_the_clock(far: FarSide) -> None:
    far.next("stable_token", text('{"access_token": "t", "expires_in": 7200}', Date="today"))

    assert [found.what for found in check_token(time.time)] == ["Token"]


# --- The callback


@pytest.mark.parametrize("mode", MODES)
def test_the_portal_s_own_callback_is_well_in_each_mode(callback_url: str, change: Any, mode: str) -> None:
    change("WECHAT", message_mode=mode)

    found = ask(callback_url)

    assert {str(each.what): each.grade for each in found} == {
        "Callback: address": Grade.NOTE,
        "Callback: verification (GET)": Grade.OK,
        "Callback: back-query in XML": Grade.OK,
        "Callback: back-query in JSON": Grade.OK,
        "Callback: what WeChat did not sign": Grade.OK,
        "Callback: time": Grade.OK,
    }
    assert mode in str(found[2].says)


def test_another_token_is_told_by_the_verification(callback_url: str) -> None:
    said = problems(ask(callback_url, token="BBBBB"))

    assert said.keys() == {"Callback: verification (GET)"}
    assert "another WECHAT_TOKEN" in said["Callback: verification (GET)"]


def test_a_clock_beyond_the_tolerance_is_told_by_the_verification(callback_url: str) -> None:
    said = problems(ask(callback_url, ahead=400))

    assert "CALLBACK_TOLERANCE" in said["Callback: verification (GET)"]


@pytest.mark.parametrize(
    "differs", [{"aes_keys": (OTHER_KEY,)}, {"appid": "wx0"}, {"message_mode": "plain"}], ids=["key", "appid", "mode"]
)
def test_another_key_appid_or_mode_is_told_by_the_back_query(callback_url: str, differs: dict[str, Any]) -> None:
    said = problems(ask(callback_url, **differs))

    assert said.keys() == {"Callback: back-query in XML", "Callback: back-query in JSON"}
    assert "another WECHAT_AES_KEYS, WECHAT_APPID or WECHAT_MESSAGE_MODE" in said["Callback: back-query in XML"]


def test_another_user_name_is_told_by_the_reply(callback_url: str) -> None:
    said = problems(ask(callback_url, username="gh_other"))

    assert "its ToUserName or FromUserName is another's" in said["Callback: back-query in JSON"]


@pytest.mark.parametrize(
    ("application", "says"),
    [
        (always("404 Not Found"), "Answered 404. Give the address as WeChat's console has it"),
        (always("301 Moved", Location="https://h/"), "Answered 301. WeChat follows no redirect"),
        (always("502 Bad Gateway"), "Answered 502. Look into the log"),
        (always("400 Bad Request"), "Answered 400. Another server answers"),
        (always("200 OK", b"hello"), "The answer is not the echostr. Another server answers"),
    ],
)
def test_an_address_that_leads_elsewhere_is_one_problem(application: Any, says: str) -> None:
    with serving(application) as url:
        said = problems(ask(url))

    assert says in said.pop("Callback: verification (GET)")
    assert said == {}


def test_an_address_where_nobody_answers_is_one_problem() -> None:
    with serving(always("200 OK")) as url:
        pass

    found = ask(url)

    assert problems(found) == {
        "Callback: verification (GET)": "No answer: ConnectionError. "
        "Check name resolution, firewall, proxy and certificate, and that the web process runs."
    }
    assert found[-1].what == "Callback: verification (GET)"


def echoing(body: bytes) -> Any:
    """Return an application that takes every verification for WeChat's, and answers every message so."""

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        is_get = environ["REQUEST_METHOD"] == "GET"
        return [parse_qs(environ["QUERY_STRING"])["echostr"][0].encode() if is_get else body]

    return application


@pytest.mark.parametrize(
    ("mode", "body", "says"),
    [
        ("safe", b"success", "it is neither XML nor JSON"),
        ("safe", b"<xml><ResultCode>1001</ResultCode></xml>", "it is not encrypted"),
        ("safe", b"<xml><Encrypt>x</Encrypt><MsgSignature>0</MsgSignature></xml>", "its MsgSignature is wrong"),
        ("plain", b'{"ResultCode": 1001}', "it is in another format than the query"),
        ("plain", b"<xml><ResultCode>0</ResultCode></xml>", "it has no ResultCode 1001"),
        ("plain", b"<xml><ResultCode>1001</ResultCode></xml>", "its ToUserName or FromUserName is another's"),
        ("compat", b"<xml><ResultCode>0</ResultCode></xml>", "it has no ResultCode 1001"),
    ],
)
def test_a_reply_that_wechat_would_not_take_is_told(mode: str, body: bytes, says: str) -> None:
    with serving(echoing(body)) as url:
        said = problems(ask(url, message_mode=mode))

    assert f"WeChat would not take the reply: {says}." in said["Callback: back-query in XML"]
    assert said["Callback: what WeChat did not sign"].startswith("Answered 200 in place of 403.")


def sealing(appid: str, key: bytes) -> Any:
    """Return an application that signs its replies with the right token, and seals them so."""

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        if environ["REQUEST_METHOD"] == "GET":
            return echoing(b"")(environ, start_response)
        start_response("200 OK", [])
        nonce = parse_qs(environ["QUERY_STRING"])["nonce"][0]
        ciphertext = encrypt(b"<xml><ResultCode>1001</ResultCode></xml>", appid, key, bytes(16))
        fields = {"Encrypt": ciphertext, "MsgSignature": sign("AAAAA", "1", nonce, ciphertext)}
        inner = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
        return [f"<xml>{inner}<TimeStamp>1</TimeStamp><Nonce>{nonce}</Nonce></xml>".encode()]

    return application


@pytest.mark.parametrize(
    ("appid", "key", "says"),
    [
        ("wxba5fad812f8e6fb9", OTHER_KEY, "the first of WECHAT_AES_KEYS does not open it"),
        ("wx0", NEW_KEY, "it is of another appid"),
    ],
)
def test_a_reply_sealed_for_somebody_else_is_told(appid: str, key: bytes, says: str) -> None:
    with serving(sealing(appid, key)) as url:
        said = problems(ask(url))

    assert says in said["Callback: back-query in XML"]


def test_a_callback_that_believes_every_signature_is_told() -> None:
    from portal.wsgi import application

    def believing(environ: dict[str, Any], start_response: Any) -> Any:
        is_forged = "signature=" in environ["QUERY_STRING"] and "echostr" not in environ["QUERY_STRING"]
        return always("200 OK")(environ, start_response) if is_forged else application(environ, start_response)

    with serving(believing) as url:
        said = problems(ask(url))

    assert "Answered 200 in place of 403." in said["Callback: what WeChat did not sign"]


@pytest.mark.parametrize(("step", "grade"), [(0.1, Grade.OK), (0.6, Grade.NOTE), (2.6, Grade.PROBLEM)])
def test_a_slow_answer_is_told(callback_url: str, step: float, grade: Grade) -> None:
    found = ask(callback_url, timer=count(0.0, step).__next__)

    assert grade_of(found, "Callback: time") is grade


@pytest.mark.parametrize("body", [b"x", b"x" * 70_000])
def test_an_answer_without_an_end_is_no_answer(body: bytes) -> None:
    step = 11.0 if len(body) == 1 else 0.0
    with serving(always("200 OK", body)) as url:
        said = problems(ask(url, timer=count(0.0, step).__next__))

    assert "No answer: Timeout." in said["Callback: verification (GET)"]


def test_a_callback_that_dies_between_two_answers_is_told() -> None:
    def only_get(environ: dict[str, Any], start_response: Any) -> Any:
        if environ["REQUEST_METHOD"] == "GET":
            return echoing(b"")(environ, start_response)
        raise ConnectionAbortedError

    with serving(only_get) as url:
        said = problems(ask(url))

    assert "No answer: ConnectionError." in said["Callback: what WeChat did not sign"]


@pytest.mark.parametrize("missing", [{"token": ""}, {"aes_keys": ()}])
def test_what_cannot_be_signed_is_not_sent(missing: dict[str, Any]) -> None:
    found = ask("http://127.0.0.1:1/", **missing)

    assert [each.grade for each in found] == [Grade.NOTE]


def test_the_public_ports_need_no_note(callback_url: str) -> None:
    found = list(check_callback(Caller("http://127.0.0.1/"), django_settings.WECHAT, time.time))

    assert found[0].what == "Callback: verification (GET)"
