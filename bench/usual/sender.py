"""The sender in the usual way: one Celery task a push, `requests`, the ORM; a prefork worker as Celery leaves it.

USUAL_TUNED=1: kinder than usual, with a connection kept to the database and one to the far side in each process.
"""

import os

import requests
from celery import Celery
from django.conf import settings

from waybills.uuid7 import uuid7

QUEUE = os.environ["USUAL_QUEUE"]
IS_TUNED = os.environ.get("USUAL_TUNED") == "1"
app = Celery("usual", broker=os.environ["USUAL_BROKER"])
app.conf.task_default_queue = QUEUE
app.conf.task_ignore_result = True
app.conf.worker_hijack_root_logger = False
if IS_TUNED:
    app.conf.db_reuse_max = 1_000_000
post = requests.Session().post if IS_TUNED else requests.post


@app.task
def send(push_id: int) -> None:
    """Send one push whose receiver is known to be bound, and record it."""
    from django.utils import timezone

    from waybills.documents import AttemptDocument, seal_attempt, unseal_path, unseal_waybill
    from waybills.models import Binding, Push, PushAttempt
    from wechat.client import pathnotify_body

    push = Push.objects.select_related("path", "waybill").get(pk=push_id, state="pending")
    waybill, path = push.waybill, push.path
    if not Binding.objects.get(phone_index=waybill.receiver_phone_index).exist:
        raise ValueError("not in this bench")
    sender, receiver = unseal_waybill(
        waybill.no,
        waybill.sealed,
        (waybill.sender_province, waybill.sender_city),
        (waybill.receiver_province, waybill.receiver_city),
    )
    body = pathnotify_body(
        no=waybill.no,
        create_time=waybill.create_time,
        sender=sender,
        receiver=receiver,
        action_time=path.action_time,
        action_type=path.action_type,
        document=unseal_path(path.digest, path.sealed),
    )
    attempt = PushAttempt(id=uuid7(), push=push, call="pathnotify", fence=0, trigger="event", started_at=timezone.now())
    attempt.sealed = seal_attempt(attempt.id, AttemptDocument(body))
    attempt.save(force_insert=True)
    response = post(
        f"{settings.WECHAT.api_base}/cgi-bin/express/delivery/pathnotify",
        params={"access_token": "bench-token"},
        data=body.encode(),
        headers={"Content-Type": "application/json"},
        timeout=(5, 20),
    )
    answer = response.json()
    attempt.errcode, attempt.exist = answer["errcode"], answer["exist"]
    attempt.outcome, attempt.ended_at = "ok", timezone.now()
    attempt.sealed = seal_attempt(attempt.id, AttemptDocument(body, response.text))
    attempt.save()
    push.state, push.settled_at, push.not_before = "sent", timezone.now(), None
    push.save()
