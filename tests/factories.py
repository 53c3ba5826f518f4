"""The least valid rows. What a test does not say, it does not need."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any

import orjson
from django.contrib.auth.models import Permission, User
from django.db.models import QuerySet
from django.utils import timezone

from waybills.documents import AttemptDocument, Contact, PathDocument, seal_attempt
from waybills.ingest import PathItem, WaybillItem, ingest
from waybills.models import Act, Call, Outcome, Path, Push, PushAttempt, PushState, Waybill
from waybills.settlement import SettledIn
from waybills.uuid7 import uuid7
from wechat.documents import CallbackDocument, seal_callback
from wechat.models import Callback, CallbackOutcome

_numbers = count(1)

SENDER = Contact("张三丰", "13900139001", "浙江省", "绍兴市", "柯桥区", address="纺都路137号")
RECEIVER = Contact("李四光", "13800138000", "福建省", "泉州市", "晋江市", address="庄宅北区158-6")


def make_user(*permissions: str, username: str = "", **fields: Any) -> User:
    """Return a member of staff with these permissions (`app.codename`)."""
    user = User.objects.create_user(username or f"staff{next(_numbers)}", is_staff=True, **fields)
    for permission in permissions:
        app, codename = permission.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return user


def make_waybill(no: str = "", *, sender: Contact = SENDER, receiver: Contact = RECEIVER) -> Waybill:
    """Return a posted waybill without paths."""
    number = no or f"SF{next(_numbers):012d}"
    created = int((timezone.now() - timedelta(hours=1)).timestamp())
    ingest([WaybillItem(number, created, sender, receiver)], [])
    return Waybill.objects.get(no=number)


def make_stub(no: str = "") -> Waybill:
    """Return a waybill of which only an event has come."""
    number = no or f"SF{next(_numbers):012d}"
    item = PathItem(number, int(timezone.now().timestamp()), 200001, PathDocument("快件到达"))
    ingest([], [item])
    return Waybill.objects.get(no=number)


def make_path(
    waybill: Waybill, action_type: int = 200001, text: str = "快件到达【泉州磁灶集散中心】", *, seconds_ago: int = 0
) -> Path:
    """Return a path of a waybill, with its push as ingest makes it."""
    at = int(timezone.now().timestamp()) - seconds_ago
    ingest([], [PathItem(waybill.no, at, action_type, PathDocument(f"{text}#{next(_numbers)}"))])
    return Path.objects.filter(waybill=waybill).latest("pk")


def settle(pushes: QuerySet[Push], state: str, reason: str = "", at: datetime | None = None) -> None:
    """End pushes as a sender would: with the moment and the number of their transaction."""
    pushes.update(state=state, reason=reason, not_before=None, settled_at=at or timezone.now(), settled_in=SettledIn())


def make_push(
    waybill: Waybill | None = None, *, state: str = PushState.PENDING, reason: str = "", **fields: Any
) -> Push:
    """Return the push of a new path, in this state."""
    path = make_path(waybill or make_waybill(), **fields)
    if state != PushState.PENDING:
        settle(Push.objects.filter(path=path), state, reason)
    return Push.objects.select_related("waybill").get(path=path)


def make_attempt(push: Push, call: str = Call.PATHNOTIFY, outcome: str = Outcome.OK, **fields: Any) -> PushAttempt:
    """Return a call for a push, with its sealed document; it began a second ago."""
    id_ = uuid7()
    started = timezone.now() - timedelta(seconds=1)
    request = orjson.dumps({"waybill_id": push.waybill.no, "receiver": {"name": "李四光", "phone": "13800138000"}})
    values: dict[str, Any] = {
        "fence": 1,
        "trigger": "event",
        "started_at": started,
        "ended_at": None if outcome == Outcome.OPEN else started + timedelta(milliseconds=250),
        "errcode": 0 if outcome == Outcome.OK else None,
        "sealed": seal_attempt(id_, AttemptDocument(request.decode(), '{"errcode":0,"errmsg":"ok","exist":1}')),
    }
    return PushAttempt.objects.create(id=id_, push=push, call=call, outcome=outcome, **(values | fields))


def make_callback(waybill_no: str = "SF1", *, received_at: datetime | None = None, **fields: Any) -> Callback:
    """Return an answered back-query, with its sealed document."""
    id_ = uuid7()
    message = f"<xml><WaybillId>{waybill_no}</WaybillId><ReceiverPhone>13800138000</ReceiverPhone></xml>"
    answer = "<xml><ResultCode>0</ResultCode><Path><ActionMsg>李四光 13800138000</ActionMsg></Path></xml>"
    values: dict[str, Any] = {
        "duration_us": 1800,
        "source": "127.0.0.1",
        "event": "waybill_notify_query",
        "outcome": CallbackOutcome.ANSWERED,
        "result_code": 0,
        "sealed": seal_callback(id_, CallbackDocument(message, answer)),
    }
    return Callback.objects.create(
        id=id_, waybill_no=waybill_no, received_at=received_at or timezone.now(), **(values | fields)
    )


def make_act(actor: User, verb: str = Act.Verb.RESEND, **fields: Any) -> Act:
    """Return what a person did just now."""
    return Act.objects.create(at=timezone.now(), actor=actor, verb=verb, **fields)
