"""Each endpoint as OpenAPI describes it: bodies, answers, examples. A test runs the examples."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.serializers import PolymorphicProxySerializerExtension
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiRequest,
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema,
)

from waybills import fields
from waybills.api import components
from waybills.api.views import MOST_ITEMS
from waybills.models import PushState


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """`Authorization: Token …`."""

    target_class = "waybills.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the scheme."""
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Token`, a space, and what `manage.py service_account` printed.",
        }


class OneOrMany(PolymorphicProxySerializer):
    """A body of one object, or of a list of them."""


class OneOrManyExtension(PolymorphicProxySerializerExtension):  # type: ignore[no-untyped-call]
    """Adds how long the list may be."""

    target_class = "waybills.api.schema.OneOrMany"

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        """Return the schema of the body."""
        one, many = super().map_serializer(auto_schema, direction)["oneOf"]  # type: ignore[no-untyped-call]
        return {"oneOf": [one, {**many, "minItems": 1, "maxItems": MOST_ITEMS}]}


def _one_or_many(name: str, component: type[components.Component]) -> OneOrMany:
    return OneOrMany(name, [component, component(many=True)], resource_type_field_name=None, many=False)


_ERRORS = {
    400: _("Nothing could be read, or fields are wrong."),
    401: _("No token, or one that is not in force."),
    403: _("The account lacks the permission, or the token the scope."),
    404: _("There is no such thing."),
    409: _("Its state does not allow it; `code` names the state."),
    413: _("The body, or what it inflates to, is over 4 MiB."),
    415: _("The Content-Type is not application/json, or the encoding is another than gzip."),
    429: _("Too many requests; Retry-After says when to go on."),
    500: _("A fault of the portal's own."),
    503: _(
        "The database does not answer in time, or too much is at work."
        " Nothing was stored: send the same again after Retry-After."
    ),
}
_ALWAYS = (400, 401, 403, 429, 500, 503)
_WITH_BODY = (*_ALWAYS, 413, 415)
_RETRY_AFTER = OpenApiParameter(
    "Retry-After", int, OpenApiParameter.HEADER, response=[429, 503], description=_("Seconds.")
)


def _answers(status: int, component: Any, description: Any, errors: tuple[int, ...]) -> dict[int, Any]:
    return {status: OpenApiResponse(component, description=description)} | {
        code: OpenApiResponse(components.Error, description=_ERRORS[code]) for code in errors
    }


def _example(name: str, value: Any, **options: Any) -> OpenApiExample:
    return OpenApiExample(name, value, request_only=True, **options)


def _answer(name: str, value: Any) -> OpenApiExample:
    return OpenApiExample(name, value, response_only=True, status_codes=["200"])


_SENDER = {"name": "张三", "phone": "13800138001", "province": "浙江省", "city": "绍兴市", "area": "柯桥区"}
_RECEIVER = {
    "name": "李四",
    "phone": "13800138000",
    "province": "福建省",
    "city": "泉州市",
    "area": "晋江市",
    "address": "庄宅北区158-6",
}
_ARRIVED = {"action_time": 1597396101, "action_type": 200001, "action_msg": "快件到达 【泉州磁灶集散中心】"}
_OUT_FOR_DELIVERY = {
    "action_time": 1597399701,
    "action_type": 300002,
    "action_msg": "【李雷/13800138002】正在派件",
    "delivery_courier_name": "李雷",
    "delivery_courier_phone": "13800138002",
}
_WAYBILL = {"waybill_id": "1234567890", "create_time": 1597300000, "sender": _SENDER, "receiver": _RECEIVER}
_PATH = {"waybill_id": "1234567890", **_OUT_FOR_DELIVERY}
_STORED = {
    "waybills": {"created": 1, "updated": 0, "unchanged": 0},
    "paths": {"created": 1, "duplicates": 0, "waiting": 0},
    "errors": [],
}
_SETTLED = {
    "id": 7,
    "waybill_id": "1234567890",
    "action_type": 300002,
    "action_time": 1597399701,
    "state": "sent",
    "reason": "",
    "notified": True,
    "not_before": None,
    "created_at": 1597399702,
    "settled_at": 1597399703,
    "attempts": [
        {
            "call": "pathnotify",
            "started_at": 1597399702,
            "duration_ms": 187,
            "outcome": "ok",
            "errcode": 0,
            "errmsg": "ok",
            "exist": 1,
        }
    ],
}
_FEED = "https://portal.example.com/api/v1/pushes/?settled_since=1597399000&cursor=WzAsODEyLDdd"

post_waybills = extend_schema(
    operation_id="post_waybills",
    tags=["waybills"],
    request=_one_or_many("PostedWaybills", components.PostedWaybill),
    parameters=[_RETRY_AFTER],
    responses=_answers(200, components.Report, _("What became of the batch."), _WITH_BODY),
    examples=[
        _example("One waybill with a path", {**_WAYBILL, "paths": [_ARRIVED]}),
        _answer("One waybill with a path", _STORED),
        _example("Several waybills", [_WAYBILL, {**_WAYBILL, "waybill_id": "1234567891"}]),
    ],
)
get_waybill = extend_schema(
    operation_id="get_waybill",
    tags=["waybills"],
    parameters=[_RETRY_AFTER],
    responses=_answers(200, components.Waybill, _("The waybill."), (404, *_ALWAYS)),
)
post_paths = extend_schema(
    operation_id="post_paths",
    tags=["paths"],
    request=_one_or_many("PostedPaths", components.Path),
    parameters=[_RETRY_AFTER],
    responses=_answers(200, components.Report, _("What became of the batch."), _WITH_BODY),
    examples=[
        _example("One event", _PATH),
        _example(
            "Several events",
            [
                _PATH,
                {
                    "waybill_id": "1234567890",
                    "action_time": 1597406901,
                    "carrier_code": "签收",
                    "action_msg": "已签收，签收人：本人",
                },
            ],
        ),
    ],
)
void_path = extend_schema(
    operation_id="void_paths",
    tags=["paths"],
    request=components.Void,
    parameters=[_RETRY_AFTER],
    responses=_answers(200, components.Voided, _("They left the trail."), (404, *_WITH_BODY)),
    examples=[
        _example(
            "A scan made by mistake",
            {
                "waybill_id": "1234567890",
                "action_time": 1597399701,
                "action_type": 300002,
                "reason": "扫描错误",
            },
        )
    ],
)
list_pushes = extend_schema(
    operation_id="list_pushes",
    tags=["pushes"],
    parameters=[
        OpenApiParameter("waybill_id", str),
        OpenApiParameter("state", str, enum=PushState.values),
        OpenApiParameter(
            "settled_since",
            {"type": "integer", "minimum": 0, "maximum": fields.LATEST - 1},
            description=_("Unix seconds; the list is then a feed: see `next` of its pages."),
        ),
        OpenApiParameter("cursor", str, description=_("From `next` or `previous` of another page.")),
        _RETRY_AFTER,
    ],
    responses=_answers(200, components.PushPage, _("One page."), _ALWAYS),
    examples=[_answer("A feed", {"next": _FEED, "previous": None, "results": [_SETTLED]})],
)
retry_push = extend_schema(
    operation_id="retry_push",
    tags=["pushes"],
    request=OpenApiRequest(components.OptionalReason),
    parameters=[_RETRY_AFTER],
    responses=_answers(202, components.Push, _("It goes again."), (404, 409, *_WITH_BODY)),
)
get_cells = extend_schema(
    operation_id="get_cells",
    tags=["cells"],
    parameters=[_RETRY_AFTER],
    responses=_answers(200, components.Cell(many=True), _("The published cells, in their order."), _ALWAYS),
)
put_cells = extend_schema(
    operation_id="put_cells",
    tags=["cells"],
    request=components.Cell(many=True),
    parameters=[_RETRY_AFTER],
    responses=_answers(200, components.Cell(many=True), _("The published cells, in their order."), _WITH_BODY),
    examples=[
        # A list's example is written as its item.
        _example("A cell", {"Key": "pay", "Name": "支付运单", "Link": "https://example.com/pay?no={waybill_id}"})
    ],
)
get_line = extend_schema(
    operation_id="get_line",
    tags=["line"],
    parameters=[_RETRY_AFTER],
    responses=_answers(200, components.LineStatus, _("Where the line stands."), _ALWAYS),
)
stop_line = extend_schema(
    operation_id="stop_line",
    tags=["line"],
    request=components.Reason,
    parameters=[_RETRY_AFTER],
    responses=_answers(200, components.LineStatus, _("Where the line stands."), _WITH_BODY),
    examples=[_example("A stop", {"reason": "微信侧维护"})],
)
resume_line = extend_schema(
    operation_id="resume_line",
    tags=["line"],
    request=OpenApiRequest(components.OptionalReason),
    parameters=[_RETRY_AFTER],
    responses=_answers(200, components.LineStatus, _("Where the line stands."), _WITH_BODY),
    examples=[_example("All is well again", {"reason": "微信侧维护结束"})],
)
