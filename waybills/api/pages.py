"""Pages by cursor: a page begins beyond the key of a row, so that the thousandth costs what the first does."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from waybills.api.errors import BodyRefused
from waybills.models import Push

PAGE = 100
CURSOR = "cursor"

_BEYOND = 1 << 52
"""Above every number of a position that was ever given."""


@dataclass(frozen=True, slots=True)
class Order:
    """In which order rows are paged."""

    fields: tuple[str, ...]
    is_descending: bool = False

    def clauses(self, backwards: bool) -> list[str]:
        """Return what `order_by` takes."""
        sign = "-" if self.is_descending is not backwards else ""
        return [sign + field for field in self.fields]

    def beyond(self, key: Sequence[Any], backwards: bool) -> Q:
        """Return the condition of the rows that come after (or before) a key."""
        comparison = "lt" if self.is_descending is not backwards else "gt"
        first, *rest = self.fields
        condition = Q(**{f"{first}__{comparison}": key[0]})
        for place, field in enumerate(rest, 1):
            equal = dict(zip(self.fields[:place], key, strict=False))
            condition |= Q(**equal, **{f"{field}__{comparison}": key[place]})
        # Said once more for the planner: the range of the index that the OR above hides from it.
        return Q(**{f"{first}__{comparison}e": key[0]}) & condition


NEWEST_FIRST = Order(("id",), is_descending=True)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: beyond a key, and in which direction."""

    key: tuple[int, ...]
    is_backwards: bool

    def as_text(self) -> str:
        """Return the cursor as it stands in an address."""
        plain = [int(self.is_backwards), *self.key]
        return urlsafe_b64encode(orjson.dumps(plain)).decode().rstrip("=")


def parse_cursor(text: str, order: Order) -> Cursor:
    """Return the cursor of an address; raise BodyRefused where it is none of this order."""
    try:
        plain = orjson.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError as error:
        raise bad_cursor() from error
    if not isinstance(plain, list) or len(plain) != len(order.fields) + 1:
        raise bad_cursor()
    if any(type(value) is not int or not 0 <= value < _BEYOND for value in plain):
        raise bad_cursor()
    direction, *key = plain
    return Cursor(tuple(key), bool(direction))


def bad_cursor() -> BodyRefused:
    """Return what refuses a cursor that this list never gave."""
    return BodyRefused("bad_cursor", _("The cursor is not one of this list's."))


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of one page, and the addresses of its neighbours."""

    rows: list[Push]
    next: str | None
    previous: str | None


def read_page(pushes: QuerySet[Push], order: Order, request: Request) -> Page:
    """Return the page that the request's cursor asks for; the first without one."""
    text = request.query_params.get(CURSOR)
    cursor = parse_cursor(text, order) if text else None
    backwards = cursor is not None and cursor.is_backwards
    if cursor is not None:
        pushes = pushes.filter(order.beyond(cursor.key, backwards))
    rows = list(pushes.order_by(*order.clauses(backwards))[: PAGE + 1])
    has_more, rows = len(rows) > PAGE, rows[:PAGE]
    if backwards:
        rows.reverse()
    return Page(
        rows,
        next=_neighbour(request, order, rows[-1:], False) if has_more or backwards else None,
        previous=_neighbour(request, order, rows[:1], True) if (has_more if backwards else cursor) else None,
    )


def _neighbour(request: Request, order: Order, edge: list[Push], backwards: bool) -> str | None:
    if not edge:
        return None
    return address_of(Cursor(tuple(getattr(edge[0], field) for field in order.fields), backwards), request)


def address_of(cursor: Cursor, request: Request) -> str:
    """Return the address of the request's list from a cursor on."""
    address: str = replace_query_param(request.build_absolute_uri(), CURSOR, cursor.as_text())
    return address
