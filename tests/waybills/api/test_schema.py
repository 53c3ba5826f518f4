"""The API's description: valid, complete, and its examples run."""

import re
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator

from tests.waybills.api.conftest import Api


def test_the_description_is_valid_and_made_without_a_warning() -> None:
    GENERATOR_STATS.reset()

    description = SchemaGenerator().get_schema(request=None, public=True)

    validate_schema(description)
    assert not GENERATOR_STATS
    assert description["openapi"].startswith("3.1")


def test_every_endpoint_is_described_with_its_token_and_its_errors(description: dict[str, Any]) -> None:
    operations = {
        (method, address): operation
        for address, methods in description["paths"].items()
        if address.startswith("/api/v1/")
        for method, operation in methods.items()
    }

    always = {"400", "401", "403", "429", "500", "503"}
    with_body = always | {"413", "415"}
    assert {key: set(operation["responses"]) for key, operation in operations.items()} == {
        ("post", "/api/v1/waybills/"): {"200"} | with_body,
        ("get", "/api/v1/waybills/{waybill_id}/"): {"200", "404"} | always,
        ("post", "/api/v1/paths/"): {"200"} | with_body,
        ("post", "/api/v1/paths/void/"): {"200", "404"} | with_body,
        ("get", "/api/v1/pushes/"): {"200"} | always,
        ("post", "/api/v1/pushes/{push_id}/retry/"): {"202", "404", "409"} | with_body,
        ("get", "/api/v1/cells/"): {"200"} | always,
        ("put", "/api/v1/cells/"): {"200"} | with_body,
        ("get", "/api/v1/line/"): {"200"} | always,
        ("post", "/api/v1/line/stop/"): {"200"} | with_body,
        ("post", "/api/v1/line/resume/"): {"200"} | with_body,
    }
    assert all(operation["security"] == [{"token": []}] for operation in operations.values())


@pytest.mark.django_db
def test_every_example_is_taken(api: Api, description: dict[str, Any]) -> None:
    ran = 0
    for address, methods in description["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            for example in content.get("examples", {}).values():
                response = getattr(api, method)(address.removeprefix("/api/v1/"), example["value"])
                answer = response.json()
                assert response.status_code == 200, (address, answer)
                assert "errors" not in answer or answer["errors"] == []
                ran += 1
    assert ran == 8


@pytest.mark.django_db
def test_every_example_of_an_answer_is_what_the_api_answers(api: Api, description: dict[str, Any]) -> None:
    examples = {}
    for address, methods in description["paths"].items():
        for method, operation in methods.items():
            content = operation["responses"].get("200", {}).get("content", {}).get("application/json", {})
            for name, example in content.get("examples", {}).items():
                schema = {**content["schema"], "components": description["components"]}
                Draft202012Validator(schema).validate(example["value"])
                examples[method, address, name] = example["value"]
    body = description["paths"]["/api/v1/waybills/"]["post"]["requestBody"]["content"]["application/json"]
    posted = api.post("waybills/", body["examples"]["OneWaybillWithAPath"]["value"]).json()

    assert examples["post", "/api/v1/waybills/", "OneWaybillWithAPath"] == posted
    assert ("get", "/api/v1/pushes/", "AFeed") in examples


def test_the_description_is_served_without_a_token(client: Client) -> None:
    response = client.get("/api/schema/?format=json")

    assert response.status_code == 200
    assert "/api/v1/waybills/" in response.json()["paths"]


def test_the_page_to_try_it_loads_nothing_from_elsewhere_and_has_no_inline_script(client: Client) -> None:
    page = client.get("/api/docs/").content.decode()

    loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert [address for address in loaded if not address.startswith("/")] == []
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    statics = [address.removeprefix("/static/") for address in loaded if address.startswith("/static/")]
    assert len(statics) == 4
    assert all(finders.find(name) for name in statics)
    (script,) = [address for address in loaded if "script" in address and address not in statics and "docs" in address]
    served = client.get(script)
    assert served["Content-Type"].startswith("application/javascript")
    assert b"/api/schema/" in served.content
