"""The stored bodies of attempts and callbacks: masked, revealed on record, or said to be unreadable."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories import make_attempt, make_callback, make_push, make_user, make_waybill
from waybills.admin.body_masking import HIDDEN, mask_body
from waybills.models import Act


@pytest.fixture(params=["callback", "attempt"])
def row(request: pytest.FixtureRequest, db: None) -> Any:
    waybill = make_waybill("SF77")
    return make_callback("SF77") if request.param == "callback" else make_attempt(make_push(waybill))


def address(row: Any, page: str) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{page}", args=[row.pk])


def test_a_body_is_masked(desk: Client, row: Any) -> None:
    html = desk.get(address(row, "change")).content.decode()

    assert "138****8000" in html
    assert "13800138000" not in html
    assert "李四光" not in html
    assert "SF77" in html


def test_a_revealed_body_is_shown_as_it_came_and_recorded(desk_of: Callable[..., Client], row: Any) -> None:
    client = desk_of("waybills.reveal_waybill")

    html = client.post(address(row, "reveal")).content.decode()

    assert "13800138000" in html
    act = Act.objects.get()
    assert (act.verb, act.waybill_no, act.target) == (Act.Verb.REVEAL, "SF77", f"{row._meta.model_name} {row.pk}")


def test_without_the_permission_a_body_stays_masked(desk_of: Callable[..., Client], row: Any) -> None:
    client = desk_of()

    assert 'name="reveal"' not in client.get(address(row, "change")).content.decode()
    assert client.post(address(row, "reveal")).status_code == 403
    assert not Act.objects.exists()


def test_whoever_may_not_view_the_row_reveals_nothing(client: Client, row: Any) -> None:
    client.force_login(make_user("waybills.reveal_waybill"))

    assert client.get(address(row, "change")).status_code == 403
    assert client.post(address(row, "reveal")).status_code == 403
    assert not Act.objects.exists()


def test_a_body_that_does_not_open_is_an_error(
    desk: Client, row: Any, change: Any, caplog: pytest.LogCaptureFixture
) -> None:
    change("SEAL", keys=(b"x" * 32,))

    html = desk.get(address(row, "change")).content.decode()

    assert "此单的加密数据打不开" in html
    assert "desk-body" not in html
    assert 'name="reveal"' not in html
    assert "does not open" in caplog.text


def test_an_emptied_body_is_said_to_be_gone(desk: Client, row: Any) -> None:
    type(row).objects.filter(pk=row.pk).update(sealed=None)

    html = desk.get(address(row, "change")).content.decode()

    assert "内容已过保留期" in html


@pytest.mark.parametrize("page", ["change", "reveal"])
def test_a_row_that_does_not_exist_leads_away(desk: Client, row: Any, page: str) -> None:
    url = address(row, page)
    type(row).objects.all().delete()

    answer = desk.post(url) if page == "reveal" else desk.get(url)

    assert answer.status_code == 302
    assert not Act.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        '{"a":{"b":[{"openid":"secret"}]}}',
        '{"receiver":{"name":"secret","phone":"secret","address":"secret","street":"secret","id":"secret"}}',
        '{"path":{"action_msg":"secret","delivery_courier_name":"secret","delivery_courier_phone":"secret"}}',
        "<xml><Content>secret</Content></xml>",
        "<xml><A secret='secret'>secret</A></xml>",
        "<xml><ActionMsg><![CDATA[secret]]></ActionMsg></xml>",
        "secret",
        '"secret"',
        "{secret",
    ],
)
def test_what_nobody_listed_is_hidden(body: str) -> None:
    assert '"secret"' not in mask_body(body)
    assert ": secret" not in mask_body(body)


@pytest.mark.parametrize(
    "body",
    [
        '{"errmsg":"invalid phone 13800138000"}',
        '{"13800138000":{"errcode":0}}',
        '{"errcode":13800138000}',
        '{"action_time":13800138000}',
        '{"waybill_id":"13800138000"}',
        "<xml><Event>x138 0013 8000</Event></xml>",
        "<xml><City>13800138000</City></xml>",
    ],
)
def test_numbers_are_masked_in_technical_fields_and_names_too(body: str) -> None:
    masked = mask_body(body, "SF1390088776655")

    assert "138****8000" in masked
    assert "0013" not in masked


def test_times_and_the_waybill_s_own_number_are_readable() -> None:
    masked = mask_body('{"waybill_id":"SF1390088776655","action_time":1600000000}', "SF1390088776655")

    assert '"SF1390088776655"' in masked
    assert ": 1600000000" in masked


@pytest.mark.parametrize(
    "body",
    ['{"a":' * 900 + "1" + "}" * 900, "[" * 1020 + "]" * 1020, "<a>" * 9000 + "</a>" * 9000],
    ids=["objects", "lists", "xml"],
)
def test_a_body_that_nests_without_end_is_hidden(body: str) -> None:
    assert HIDDEN in mask_body(body)


def test_the_words_of_an_error_are_masked_wherever_they_are_shown(desk: Client) -> None:
    push = make_push(make_waybill("SF77"), state="failed")
    attempt = make_attempt(push, outcome="refused", errcode=40097, errmsg="invalid phone 13800138000 rid: 1-2-3")

    pages = [
        address(attempt, "change"),
        reverse("admin:waybills_pushattempt_changelist"),
        reverse("admin:waybills_waybill_change", args=[push.waybill_id]),
    ]

    for html in (desk.get(page).content.decode() for page in pages):
        assert "invalid phone 138****8000 rid: 1-2-3" in html
        assert "13800138000" not in html


def test_what_is_technical_is_readable() -> None:
    masked = mask_body("<xml><WaybillId>SF1</WaybillId><ResultCode>0</ResultCode><Any>x</Any><Empty/></xml>")

    assert '"WaybillId": "SF1"' in masked
    assert '"ResultCode": "0"' in masked
    assert f'"Any": "{HIDDEN}"' in masked
