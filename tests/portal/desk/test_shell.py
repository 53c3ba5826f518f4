"""The desk's shell: who comes in, in which language, and what the navigation offers."""

import json
import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import Resolver404, URLResolver, reverse
from django.urls.resolvers import RegexPattern

from portal import desk as desk_module
from portal.permission_field import PermissionField
from portal.urls import addresses
from tests.factories import make_user


def test_the_desk_is_chinese_whatever_the_browser_prefers(desk: Client) -> None:
    html = desk.get(reverse("admin:index"), headers={"accept-language": "en"}).content.decode()

    assert "快递运力微信推送台" in html
    assert 'lang="zh-hans"' in html


def test_english_is_one_choice_away(desk: Client) -> None:
    desk.post(reverse("set_language"), {"language": "en", "next": reverse("admin:index")})

    html = desk.get(reverse("admin:index")).content.decode()

    assert 'lang="en"' in html
    assert "The line is running" in html


def test_the_login_page_offers_both_languages(client: Client, db: None) -> None:
    html = client.get(reverse("admin:login")).content.decode()

    assert "简体中文" in html
    assert "English" in html
    assert "快递运力微信推送台" in html


def test_a_stranger_is_sent_to_the_login(client: Client, db: None) -> None:
    answer = client.get(reverse("admin:waybills_waybill_changelist"))

    assert answer["Location"].startswith(reverse("admin:login"))


def test_the_navigation_leads_to_pages_that_open(desk: Client) -> None:
    links = [str(item["link"]) for group in desk_module.UNFOLD["SIDEBAR"]["navigation"] for item in group["items"]]

    assert len(links) == len(set(links)) == 15
    assert [link for link in links if desk.get(link).status_code != 200] == []


def test_the_navigation_shows_what_a_person_may_view(desk_of: Callable[..., Client]) -> None:
    html = desk_of().get(reverse("admin:index")).content.decode()

    assert reverse("admin:waybills_push_changelist") in html
    assert reverse("admin:auth_user_changelist") not in html
    assert reverse("admin:waybills_carriercode_changelist") not in html


@pytest.mark.parametrize(
    ("debug", "api_base", "label"),
    [
        (True, "https://api.weixin.qq.com", "开发环境"),
        (False, "http://127.0.0.1:8001", "非微信正式环境"),
        (False, "https://api.weixin.qq.com", ""),
    ],
)
def test_a_label_says_what_is_not_production(
    desk: Client, settings: object, change: Callable[..., None], debug: bool, api_base: str, label: str
) -> None:
    settings.DEBUG = debug  # type: ignore[attr-defined]
    change("WECHAT", api_base=api_base)

    html = desk.get(reverse("admin:index")).content.decode()

    assert [word for word in ("开发环境", "非微信正式环境") if word in html] == ([label] if label else [])


def test_a_user_and_a_role_are_made_on_the_desk(desk: Client) -> None:
    password = "a rather long password"
    desk.post(
        reverse("admin:auth_user_add"),
        {"username": "xiaoli", "password1": password, "password2": password, "usable_password": "true"},
    )
    permission = Permission.objects.get(codename="send_push")
    desk.post(reverse("admin:auth_group_add"), {"name": "客服", "permissions": [permission.pk]})

    assert User.objects.filter(username="xiaoli").exists()
    assert list(Group.objects.get(name="客服").permissions.all()) == [permission]


def test_permissions_are_named_in_the_words_of_the_desk(desk: Client) -> None:
    html = desk.get(reverse("admin:auth_group_add")).content.decode()

    assert "推送: 可以立即推送、重新推送和取消推送" in html
    assert "运单: 查看" in html
    assert "Can add" not in html


def test_the_scripts_speak_chinese_too(desk: Client) -> None:
    script = desk.get(reverse("admin:jsi18n")).content.decode()

    texts = json.loads(re.search(r"const newcatalog = (\{.*?\});", script, re.DOTALL)[1])  # type: ignore[index]

    assert texts["Choose all %s"] == "选择全部%s"
    assert texts["Available %s"] == "可用 %s"


def test_a_permission_whose_model_has_gone_is_still_named(db: None) -> None:
    permission = Permission.objects.select_related("content_type").get(codename="send_push")
    permission.content_type.model = "gone"

    assert PermissionField(Permission.objects.none()).label_from_instance(permission).startswith("gone: ")


def test_a_user_page_opens(desk: Client) -> None:
    assert desk.get(reverse("admin:auth_user_change", args=[make_user().pk])).status_code == 200
    assert desk.get(reverse("admin:auth_user_password_change", args=[make_user().pk])).status_code == 200
    assert desk.get(reverse("admin:password_change")).status_code == 200


def test_the_bare_address_leads_to_the_desk(client: Client) -> None:
    assert client.get("/")["Location"] == reverse("admin:index")


def test_the_browser_s_own_question_for_a_sign_is_answered(client: Client) -> None:
    answer = client.get("/favicon.ico")

    assert answer["Location"].endswith(".svg")
    assert finders.find(answer["Location"].removeprefix("/static/"))


def test_the_bare_address_is_not_on_the_public_surface() -> None:
    resolver = URLResolver(RegexPattern(r"^/"), addresses("edge"))

    for address in ("/", "/favicon.ico", "/admin/"):
        with pytest.raises(Resolver404):
            resolver.resolve(address)
