"""Searching a phone: posted, recorded, and from there on known by a signed index alone.

In an address it would end in the browser's history and every proxy's log.
"""

import re
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.signing import BadSignature, dumps, loads
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from waybills.admin.person import person
from waybills.admin.read_only import ReadOnlyAdmin
from waybills.cleaning import clean_text, normalise_phone
from waybills.models import Act
from waybills.sealing import blind_index

PARAMETER = "phone"
_SALT = "waybills.admin.phone_search"
_MOST_SECONDS = 3600
_LATIN = re.compile(r"[A-Za-z]")


class PhoneFilter(admin.SimpleListFilter):
    """The searched phone, as long as its signature holds; it is no choice of its own."""

    title = _("phone")
    parameter_name = PARAMETER

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: "PhoneSearchAdmin") -> None:
        self.model_admin = model_admin
        super().__init__(request, params, model, model_admin)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the phone that was searched, so that the page says that it shows no others."""
        given = request.GET.get(PARAMETER)
        return [(given, _("the searched phone"))] if given else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows of the phone; none where the value does not hold."""
        value = self.value()
        if value is None:
            return queryset
        index = _read(value)
        return queryset.none() if index is None else self.model_admin.of_phone(queryset, index)


class PhoneSearchAdmin(ReadOnlyAdmin):
    """A list whose search takes a whole phone."""

    list_filter: Any = (PhoneFilter,)

    def of_phone(self, queryset: QuerySet[Any], index: bytes) -> QuerySet[Any]:
        """Return the rows of the phone with this blind index."""
        raise NotImplementedError

    def is_number(self, term: str) -> bool:
        """Return whether the term names a row by something else than its phone."""
        return False

    def get_urls(self) -> list[URLPattern]:
        """Return the addresses, with the one that a search is posted to."""
        search = self.admin_site.admin_view(self.search_view)
        return [path("search/", search, name=f"waybills_{self.opts.model_name}_search"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the list; without the search where its link has grown old."""
        if PARAMETER in request.GET and _read(request.GET[PARAMETER]) is None:
            messages.warning(request, _("The link of this search has expired: search again."))
            return HttpResponseRedirect(request.path)
        response: HttpResponse = super().changelist_view(request, extra_context)
        return response

    def search_view(self, request: HttpRequest) -> HttpResponse:
        """Record that a phone is searched, and lead to the list of its rows; a number needs no record."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        term = clean_text(request.POST.get("q", ""))
        changelist = reverse(f"admin:waybills_{self.opts.model_name}_changelist")
        if not term:
            return HttpResponseRedirect(changelist)
        query = {"q": term} if self.is_number(term) else {PARAMETER: self._search(request, term)}
        return HttpResponseRedirect(f"{changelist}?{urlencode(query)}")

    def _search(self, request: HttpRequest, term: str) -> str:
        """Record the act; return the signed index."""
        Act.objects.record(person(request), Act.Verb.SEARCH_PHONE)
        return dumps(blind_index(normalise_phone(term)).hex(), salt=_SALT)


def _read(value: str) -> bytes | None:
    """Return the blind index of a signed value; None where it is not ours, or older than an hour."""
    try:
        return bytes.fromhex(loads(value, salt=_SALT, max_age=_MOST_SECONDS))
    except BadSignature:
        return None


def has_letters(term: str) -> bool:
    """Return whether a term has Latin letters: a waybill number may, a phone never.

    >>> has_letters("SF42"), has_letters("13800138000转1")
    (True, False)
    """
    return _LATIN.search(term) is not None
