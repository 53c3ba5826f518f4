"""The feed of settled pushes: read on and on, it loses and repeats nothing, whoever settles meanwhile."""

from datetime import datetime

from django.db.models import QuerySet
from rest_framework.request import Request

from waybills import settlement
from waybills.api.pages import CURSOR, PAGE, Cursor, Order, Page, address_of, bad_cursor, parse_cursor
from waybills.models import Push

AS_SETTLED = Order(("settled_in", "id"))


def read_feed(pushes: QuerySet[Push], since: datetime, request: Request) -> Page:
    """Return the page that the request's cursor asks for; without one, the first of what settled since a moment.

    There is always a next page, empty until something settles; a feed is read forwards only. What is read lies below
    the horizon, which is asked for first: all that settles from then on comes after it.
    """
    horizon = settlement.horizon()
    last = settlement.last_position(horizon)
    key = _position(request, horizon) or settlement.begin_at(since)
    pushes = pushes.filter(AS_SETTLED.beyond(key, False), settled_in__lt=horizon, settled_at__gte=since)
    rows = list(pushes.order_by(*AS_SETTLED.clauses(False))[:PAGE])
    if len(rows) == PAGE:
        key = _position_of(rows[-1])
    elif last is not None:
        # Of a filtered feed this passes what the filter leaves out, once.
        key = max(key, last)
    return Page(rows, next=address_of(Cursor(key, False), request), previous=None)


def _position(request: Request, horizon: int) -> settlement.Position | None:
    """Return where the request's cursor stands; raise BodyRefused where this database has not come so far."""
    text = request.query_params.get(CURSOR)
    if not text:
        return None
    cursor = parse_cursor(text, AS_SETTLED)
    number, id_ = cursor.key
    if cursor.is_backwards or number > horizon:
        raise bad_cursor()
    return number, id_


def _position_of(push: Push) -> settlement.Position:
    if push.settled_in is None:
        raise ValueError("a settled push without its number")  # the database's constraint forbids it
    return push.settled_in, push.pk
