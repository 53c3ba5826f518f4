"""What the bodies of the gateway's calls say, with WeChat's codes for what it would refuse.

The fields themselves are read and cleaned where every door's are, in `waybills.items`; here stands only what WeChat's
own call is stricter or looser in. Source: wechat-logistics-push.md, 5.3.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from waybills.carrier_codes import CarrierCodes
from waybills.cleaning import is_mainland_mobile
from waybills.fields import Fields
from waybills.ingest import PathItem, WaybillItem
from waybills.items import NO_LENGTH, read_waybills
from waybills.models import Waybill
from wechat.gateway.errors import Errcode, GatewayRefused

_PATH = "paths"
"""Of a waybill's own object, in which the one path of a pathnotify is read."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a call for an access token carries."""

    grant_type: object
    appid: object
    secret: object
    force_refresh: bool = False


def read_object(raw: bytes) -> dict[str, Any]:
    """Return the JSON object of a body; 44002 for an empty one, 47001 for what is no object.

    Unlike parts of WeChat's API, \\u escapes are taken for what they are.
    """
    if not raw:
        raise GatewayRefused(Errcode.BODY_EMPTY)
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise GatewayRefused(Errcode.NOT_JSON) from None
    if type(body) is not dict:
        raise GatewayRefused(Errcode.NOT_JSON, "an object is expected")
    return body


def read_stable_token(raw: bytes) -> Credentials:
    """Return the credentials of a `stable_token`."""
    body = read_object(raw)
    force = body.get("force_refresh", False)
    if type(force) is not bool:
        raise _refused("force_refresh")
    return Credentials(body.get("grant_type"), body.get("appid"), body.get("secret"), force)


def read_userquery(raw: bytes) -> str:
    """Return the phone that is asked for, in the form in which phones are matched."""
    fields = Fields(read_object(raw))
    phone = fields.phone("phone", required=True)
    if fields.problems or not is_mainland_mobile(phone):
        raise _refused("phone")
    return phone


def read_pathnotify(raw: bytes) -> tuple[WaybillItem, PathItem]:
    """Return the waybill and the path of a push; 40097, with the field's name, where WeChat would refuse one.

    Without create_time, which the specification's own sample lacks, the stored one holds, else the action_time.
    """
    body = read_object(raw)
    path = body.get("path")
    if type(path) is not dict:
        raise _refused("path")
    for name in ("action_time", "action_type"):
        _require_integer(path, name, f"path.{name}")
    if body.get("create_time") is None:
        body["create_time"] = _stored_create_time(body) or path["action_time"]
    _require_integer(body, "create_time", "create_time")
    batch = read_waybills([{**body, _PATH: [path]}], CarrierCodes().translate)
    for error in batch.errors:
        raise _refused(f"path.{error.field}" if error.path_index is not None else str(error.field))
    waybill = batch.waybills[0]
    if not is_mainland_mobile(waybill.receiver.phone):
        raise _refused("receiver.phone")
    return waybill, batch.paths[0]


def _require_integer(values: Mapping[str, Any], name: str, told: str) -> None:
    # REST also takes an integer in a text; WeChat's table says int.
    if type(values.get(name)) is not int:
        raise _refused(told)


def _stored_create_time(body: Mapping[str, Any]) -> int | None:
    fields = Fields(body)
    no = fields.text("waybill_id", NO_LENGTH, True)
    if fields.problems:
        raise _refused("waybill_id")
    return Waybill.objects.filter(no=no).values_list("create_time", flat=True).first()


def _refused(field: str) -> GatewayRefused:
    return GatewayRefused(Errcode.INVALID_ARGUMENTS, field)
