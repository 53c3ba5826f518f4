"""No body and no address makes the API fail. The client raises what a view lets through."""

import gzip
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.waybills.api.conftest import Api, event, path, waybill

pytestmark = pytest.mark.django_db

MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
INTEGERS = st.integers(-(2**63), 2**64 - 1)
VALUES = st.recursive(
    st.none() | st.booleans() | INTEGERS | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


def spoilt(whole: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects of which some fields hold anything."""
    names = st.sampled_from([*whole, "sender", "receiver", "carrier_code", "delivery_courier_phone"])
    return st.dictionaries(names, VALUES | TEXTS | INTEGERS, max_size=3).map(lambda fields: {**whole, **fields})


ITEMS = (
    spoilt(waybill(paths=[event()]))
    | spoilt(path())
    | st.lists(spoilt(event()), max_size=3).map(lambda events: waybill(paths=events))
    | VALUES
)


@MANY
@given(body=st.lists(ITEMS, max_size=5) | ITEMS, address=st.sampled_from(["waybills/", "paths/"]))
def test_any_batch_is_read_or_refused(api: Api, body: Any, address: str) -> None:
    response = api.post(address, body)

    assert response.status_code in {200, 400}
    if response.status_code == 200:
        answer = response.json()
        again = api.post(address, body).json()
        assert again["errors"] == answer["errors"]
        assert again["paths"]["created"] == again["paths"]["waiting"] == again["waybills"]["created"] == 0


@MANY
@given(body=st.binary(max_size=200) | TEXTS.map(str.encode), packed=st.booleans())
def test_any_bytes_are_read_or_refused(api: Api, body: bytes, packed: bool) -> None:
    raw = api.post("paths/", body, encoding="gzip")
    read = api.post("paths/", gzip.compress(body) if packed else body, encoding="gzip" if packed else "")

    assert {raw.status_code, read.status_code} <= {200, 400}


@MANY
@given(body=VALUES, address=st.sampled_from(["paths/void/", "line/stop/", "line/resume/", "pushes/1/retry/"]))
def test_any_body_of_an_act_is_read_or_refused(api: Api, body: Any, address: str) -> None:
    assert api.post(address, body).status_code in {200, 400, 404}


@MANY
@given(cells=st.lists(st.fixed_dictionaries({"Key": TEXTS, "Name": TEXTS, "Link": TEXTS}) | VALUES, max_size=3))
def test_any_cells_are_read_or_refused(api: Api, cells: Any) -> None:
    assert api.put("cells/", orjson.loads(orjson.dumps(cells))).status_code in {200, 400}


@MANY
@given(TEXTS, TEXTS, TEXTS, TEXTS)
def test_any_address_is_answered(api: Api, no: str, state: str, since: str, cursor: str) -> None:
    assert api.get(f"waybills/{quote(no, safe='')}/").status_code in {200, 404}
    query = f"waybill_id={quote(no)}&state={quote(state)}&settled_since={quote(since)}&cursor={quote(cursor)}"
    assert api.get(f"pushes/?{query}").status_code in {200, 400}
    assert api.get(f"pushes/?settled_since={quote(since)}&cursor={quote(cursor)}").status_code in {200, 400}
