"""Each list opens, costs the same however long it is, and offers nobody what must not be done."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests.factories import make_act, make_attempt, make_callback, make_push, make_user
from waybills.line import current_line
from waybills.models import Act, ApiToken, Binding, CarrierCode, Cell, Line, Push, PushAttempt, Waybill
from waybills.sealing import blind_index
from wechat.models import Callback, CallbackRefusal

READ_ONLY = (Act, ApiToken, Binding, Line, Push, PushAttempt, Waybill, Callback, CallbackRefusal)
EDITABLE = (CarrierCode, Cell, Group, User)
KEPT_OUT = {"waybills.Path", "waybills.Lane", "waybills.ScheduleLease", "wechat.AccessToken", "wechat.CallBudget"}


def fill(times: int) -> None:
    current_line()
    for _ in range(times):
        push = make_push(state="failed", reason="refused")
        make_attempt(push, outcome="refused", errcode=40097)
        make_callback(push.waybill.no)
        user = make_user()
        make_act(user, waybill_no=push.waybill.no, target=f"push {push.pk}")
        count = Act.objects.count()
        ApiToken.objects.create(user=user, digest=blind_index(str(count)), created_at=timezone.now())
        Binding.objects.create(phone_index=blind_index(f"phone {count}"), exist=True, checked_at=timezone.now())
        CarrierCode.objects.create(code=f"C{count}")
        Cell.objects.create(key=f"K{count}", name="支付运单", link="https://example.com/")
        Group.objects.create(name=f"G{count}")
        CallbackRefusal.objects.create(
            hour=timezone.now(), reason=f"reason {count}", count=count, last_at=timezone.now(), last_source="10.0.0.1"
        )


def changelist(model: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def search(client: Client, model: Any, term: str) -> Any:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_search"
    return client.post(reverse(name), {"q": term}, follow=True)


def queries_of(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def test_every_model_has_a_list_or_is_kept_out_on_purpose() -> None:
    ours = {model._meta.label for app in ("waybills", "wechat") for model in apps.get_app_config(app).get_models()}

    registered = {model._meta.label for model in admin.site._registry}

    assert ours - registered == KEPT_OUT
    assert {model._meta.label for model in (*READ_ONLY, *EDITABLE)} == registered


@pytest.mark.parametrize("model", [*READ_ONLY, *EDITABLE])
def test_a_list_costs_the_same_number_of_queries_however_long_it_is(desk: Client, model: Any) -> None:
    fill(2)
    few = queries_of(desk, changelist(model))
    fill(5)

    many = queries_of(desk, changelist(model))

    assert many == few
    assert many <= 9


@pytest.mark.parametrize("model", [Waybill, Push, PushAttempt, Callback, CallbackRefusal, Act])
def test_a_long_list_is_never_counted(desk: Client, model: Any) -> None:
    fill(2)

    with CaptureQueriesContext(connection) as queries:
        desk.get(changelist(model), {"_facets": "1"})

    asked = [query["sql"] for query in queries if model._meta.db_table in query["sql"]]
    assert asked
    assert not [sql for sql in asked if "COUNT(" in sql.upper()]


@pytest.mark.parametrize("model", READ_ONLY)
def test_what_is_recorded_is_read_only_for_a_superuser_too(desk: Client, superuser: User, model: Any) -> None:
    fill(1)
    row = model.objects.first()
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    pk = row.pk if not isinstance(row.pk, bytes | memoryview) else "1"

    added = desk.post(reverse(f"{name}_add"), {})
    deleted = desk.post(reverse(f"{name}_delete", args=[pk]), {"post": "yes"})
    desk.post(reverse(f"{name}_change", args=[pk]), {"no": "X", "state": "sent", "reason": "changed"})

    assert added.status_code == 403
    assert deleted.status_code in {403, 302}
    assert model.objects.filter(pk=row.pk).exists()
    assert "delete_selected" not in admin.site._registry[model].get_actions(_request(superuser))


def _request(user: User) -> Any:
    request = RequestFactory().get("/")
    request.user = user
    return request


def test_nobody_deletes_a_user_or_a_carrier_code(desk: Client, superuser: User) -> None:
    fill(1)

    for model in (User, CarrierCode):
        url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_delete", args=[model.objects.first().pk])
        assert desk.post(url, {"post": "yes"}).status_code == 403
        assert "delete_selected" not in admin.site._registry[model].get_actions(_request(superuser))


def test_a_member_of_staff_sees_only_what_they_may(desk_of: Callable[..., Client]) -> None:
    client = desk_of()

    assert client.get(changelist(Waybill)).status_code == 200
    assert client.get(changelist(Cell)).status_code == 403
    assert changelist(Cell) not in client.get(reverse("admin:index")).content.decode()


@pytest.mark.parametrize(
    ("model", "rows"), [(Push, 1), (PushAttempt, 1), (Callback, 1), (Act, 1), (Waybill, None)], ids=str
)
def test_a_list_is_searched_by_the_whole_waybill_number(desk: Client, model: Any, rows: int | None) -> None:
    fill(3)
    no = Waybill.objects.first().no

    found = desk.get(changelist(model), {"q": f" {no} "})
    nothing = desk.get(changelist(model), {"q": no[:-1]})

    if rows is not None:
        assert len(found.context_data["cl"].result_list) == rows
    assert len(nothing.context_data["cl"].result_list) == 0


def test_a_binding_is_found_by_the_whole_phone_only(desk: Client) -> None:
    Binding.objects.create(phone_index=blind_index("13800138000"), exist=True, checked_at=timezone.now())

    found = search(desk, Binding, "+86 138-0013-8000")
    in_the_address = desk.get(changelist(Binding), {"q": "13800138000"})
    part_of_it = search(desk, Binding, "1380013800")
    all_of_them = desk.get(changelist(Binding))

    assert len(found.context_data["cl"].result_list) == 1
    for nothing in (in_the_address, part_of_it, all_of_them):
        assert len(nothing.context_data["cl"].result_list) == 0


@pytest.mark.parametrize("filters", [{"exist__exact": "1"}, {"exist": "1", "q": "13800138000"}, {"phone_index": "x"}])
def test_bindings_are_filtered_by_nothing_else(desk: Client, filters: dict[str, str]) -> None:
    Binding.objects.create(phone_index=blind_index("13800138000"), exist=True, checked_at=timezone.now())

    assert desk.get(changelist(Binding), filters).status_code == 400


@pytest.mark.parametrize("model", [Push, Line])
def test_a_row_leads_nobody_on_who_may_not_view_it(client: Client, db: None, model: Any) -> None:
    current_line()
    make_push()
    client.force_login(make_user("waybills.view_waybill"))
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[model.objects.get().pk])

    assert client.get(url).status_code == 403


def test_an_empty_list_that_nobody_may_add_to_offers_no_adding(in_english: Client) -> None:
    html = in_english.get(changelist(Push)).content.decode()

    assert "There is nothing here yet." in html
    assert "Create a new item" not in html
    assert "/add/" not in html


def test_an_empty_list_that_may_be_added_to_leads_there(in_english: Client) -> None:
    html = in_english.get(changelist(Cell)).content.decode()

    assert "There is nothing here yet." in html
    assert reverse("admin:waybills_cell_add") in html


@pytest.mark.parametrize(
    ("model", "query", "words"),
    [
        (Binding, "", "Enter a whole phone to see what WeChat said of it."),
        (Binding, "1380013", "Only a whole number matches"),
        (Waybill, "SF0000", "Only a whole waybill number or a whole phone matches"),
        (Push, "SF0000", "Only the whole waybill number matches"),
        (Callback, "SF0000", "Only the whole waybill number matches"),
    ],
)
def test_an_empty_list_says_how_it_is_searched(in_english: Client, model: Any, query: str, words: str) -> None:
    fill(1)

    found = search(in_english, model, query) if query.isdigit() else in_english.get(changelist(model), {"q": query})

    assert words in found.content.decode()


@pytest.mark.parametrize(
    ("noun", "words"), [("waybill", "or a whole phone matches"), ("binding", "has not been asked")]
)
def test_a_searched_phone_that_finds_nothing_says_how_it_is_searched(in_english: Client, noun: str, words: str) -> None:
    html = in_english.post(reverse(f"admin:waybills_{noun}_search"), {"q": "1380013"}, follow=True).content.decode()

    assert words in html
    assert "Clear the search" in html
    assert "Enter a whole phone to see" not in html


def test_the_pushes_of_today_are_filtered_by_when_they_ended(desk: Client) -> None:
    old, new = make_push(state="failed"), make_push(state="failed")
    Push.objects.filter(pk=old.pk).update(settled_at=timezone.now() - timedelta(days=2))

    rows = desk.get(changelist(Push), {"settled": "today"}).context_data["cl"].result_list

    assert [row.pk for row in rows] == [new.pk]


@pytest.mark.parametrize(("choice", "codes"), [("no", ["A"]), ("yes", ["B"])])
def test_carrier_codes_are_filtered_by_their_mapping(desk: Client, choice: str, codes: list[str]) -> None:
    CarrierCode.objects.create(code="A")
    CarrierCode.objects.create(code="B", action_type=300003)

    rows = desk.get(changelist(CarrierCode), {"mapped": choice}).context_data["cl"].result_list

    assert [row.code for row in rows] == codes
