"""Pushes: what became of them, and once more by hand."""

from datetime import UTC, datetime

from django.db.models import Prefetch, QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from waybills.api import schema
from waybills.api.answers import push_answer
from waybills.api.feed import read_feed
from waybills.api.pages import NEWEST_FIRST, read_page
from waybills.api.views import REASON_LENGTH, ApiView, caller, fields_of, refuse_on
from waybills.fields import Fields
from waybills.items import NO_LENGTH
from waybills.models import Push, PushAttempt, PushState
from waybills.services import resend_push


def pushes_with_attempts() -> QuerySet[Push]:
    """Return pushes as `push_answer` reads them: two statements, and no sealed document."""
    attempts = PushAttempt.objects.defer("sealed").order_by("started_at", "pk")
    return (
        Push.objects.select_related("waybill")
        .defer("waybill__sealed", "waybill__digest")
        .prefetch_related(Prefetch("attempts", attempts))
    )


class PushesView(ApiView):
    """The list, newest first; with `settled_since` a feed, in the order in which they settled."""

    needs = {"GET": "waybills.view_push"}

    @schema.list_pushes
    def get(self, request: Request) -> Response:
        """Return one page."""
        fields = Fields(request.query_params)
        pushes, since = _filtered(fields), _settled_since(fields)
        refuse_on(fields.problems)
        page = read_page(pushes, NEWEST_FIRST, request) if since is None else read_feed(pushes, since, request)
        return Response(
            {"next": page.next, "previous": page.previous, "results": [push_answer(push) for push in page.rows]}
        )


def _filtered(fields: Fields) -> QuerySet[Push]:
    pushes = pushes_with_attempts()
    if fields.has("waybill_id"):
        pushes = pushes.filter(waybill__no=fields.text("waybill_id", NO_LENGTH))
    if fields.has("state"):
        pushes = pushes.filter(state=fields.choice("state", PushState.values))
    return pushes


def _settled_since(fields: Fields) -> datetime | None:
    if not fields.has("settled_since"):
        return None
    # 0 is how a client says "from the beginning".
    return datetime.fromtimestamp(fields.moment("settled_since", earliest=0), UTC)


class RetryView(ApiView):
    """A push once more."""

    needs = {"POST": "waybills.send_push"}

    @schema.retry_push
    def post(self, request: Request, push_id: int) -> Response:
        """Let a push that has ended go again; 409 where its state does not allow it."""
        push = get_object_or_404(pushes_with_attempts(), pk=push_id)
        fields = fields_of(request)
        reason = fields.text("reason", REASON_LENGTH)
        refuse_on(fields.problems)
        resend_push(push=push, actor=caller(request), reason=reason)
        return Response(push_answer(pushes_with_attempts().get(pk=push_id)), status=status.HTTP_202_ACCEPTED)
