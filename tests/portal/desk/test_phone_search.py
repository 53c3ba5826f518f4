"""A searched phone: posted, recorded, and in no address."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.core import signing
from django.test import Client
from django.urls import reverse

from tests.factories import make_user, make_waybill
from waybills.admin.phone_search import _SALT
from waybills.documents import Contact
from waybills.models import Act
from waybills.sealing import blind_index

WAYBILLS = "admin:waybills_waybill_changelist"
PHONE = "13800138000"


class OldSigner(signing.TimestampSigner):
    """Signs as an hour ago."""

    def timestamp(self) -> str:
        return signing.b62_encode(int(time.time()) - 3601)


def search(client: Client, term: str, noun: str = "waybill") -> Any:
    return client.post(reverse(f"admin:waybills_{noun}_search"), {"q": term})


@pytest.mark.parametrize("noun", ["waybill", "binding"])
@pytest.mark.parametrize("term", [PHONE, "+86 138-0013-8000", "李四光"])
def test_what_is_no_number_of_a_waybill_is_in_no_address(desk: Client, noun: str, term: str) -> None:
    make_waybill()

    address = search(desk, term, noun)["Location"]

    assert address.startswith(reverse(f"admin:waybills_{noun}_changelist") + "?phone=")
    assert PHONE not in address
    assert term not in address


@pytest.mark.parametrize("noun", ["waybill", "binding"])
def test_a_searched_phone_is_recorded_without_it(desk: Client, noun: str) -> None:
    search(desk, PHONE, noun)

    act = Act.objects.get()
    assert (act.verb, act.actor.username) == (Act.Verb.SEARCH_PHONE, "root")
    assert (act.waybill_no, act.target, act.reason) == ("", "", "")


@pytest.mark.parametrize("term", ["SF42", "4242424242", "SF-unknown", ""])
def test_a_searched_number_is_no_act(desk: Client, term: str) -> None:
    make_waybill("SF42")
    make_waybill("4242424242")

    address = search(desk, f" {term} ")["Location"]

    assert address == reverse(WAYBILLS) + (f"?q={term}" if term else "")
    assert not Act.objects.exists()


def test_a_phone_in_an_address_finds_nothing(desk: Client) -> None:
    make_waybill()

    assert len(desk.get(reverse(WAYBILLS), {"q": PHONE}).context_data["cl"].result_list) == 0


@pytest.mark.parametrize("noun", ["waybill", "binding"])
def test_the_boxes_post_what_is_searched(desk: Client, noun: str) -> None:
    html = desk.get(reverse(f"admin:waybills_{noun}_changelist")).content.decode()

    box = html[html.index('id="changelist-search"') :].partition(">")[0]
    assert 'method="post"' in box
    assert reverse(f"admin:waybills_{noun}_search") in box


@pytest.mark.parametrize("noun", ["waybill", "binding"])
def test_whoever_may_not_view_the_list_searches_nothing(client: Client, db: None, noun: str) -> None:
    client.force_login(make_user("waybills.view_push"))

    assert search(client, PHONE, noun).status_code == 403
    assert not Act.objects.exists()


def test_a_link_searches_nothing(desk: Client) -> None:
    assert desk.get(reverse("admin:waybills_waybill_search"), {"q": PHONE}).status_code == 405


def old(index: bytes) -> str:
    return OldSigner(salt=_SALT).sign_object(index.hex())


def of_another_salt(index: bytes) -> str:
    return signing.dumps(index.hex())


@pytest.mark.parametrize("make", [old, of_another_salt, bytes.hex])
@pytest.mark.parametrize("noun", ["waybill", "binding"])
def test_a_value_that_is_old_or_not_ours_shows_nothing(
    in_english: Client, noun: str, make: Callable[[bytes], str]
) -> None:
    for _ in range(2):
        make_waybill()
    value = make(blind_index(PHONE))

    answer = in_english.get(reverse(f"admin:waybills_{noun}_changelist"), {"phone": value}, follow=True)

    assert answer.redirect_chain == [(reverse(f"admin:waybills_{noun}_changelist"), 302)]
    assert "The link of this search has expired: search again." in answer.content.decode()


def test_the_pages_of_a_search_keep_it(desk: Client) -> None:
    for _ in range(51):
        make_waybill()
    make_waybill(sender=Contact("王五", "13700137000"), receiver=Contact("赵六", "13700137001"))

    address = search(desk, PHONE)["Location"]
    pages = [desk.get(f"{address}&p={page}").context_data["cl"].result_list for page in (1, 2)]

    assert [len(page) for page in pages] == [50, 1]
