"""The list of waybills and its search. `wechat.admin.waybill` registers it, with the page that joins both sides."""

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from waybills.action_types import ActionType
from waybills.admin.labels import PUSH_STATE_COLOURS, show_wire_time
from waybills.admin.masking import mask_numbers
from waybills.admin.phone_search import PARAMETER, PhoneSearchAdmin, has_letters
from waybills.cleaning import clean_text
from waybills.models import Push, PushState, Waybill


class WaybillListAdmin(PhoneSearchAdmin):
    """Found by the number or the whole phone, both exactly: an index each."""

    list_display = ("no", "receiver_region", "sender_region", "created_by_carrier", "latest_event", "latest_push")
    search_fields = ("no__exact",)
    search_help_text = _("The whole waybill number or the whole phone")
    search_miss = _("Only a whole waybill number or a whole phone matches: a part of it finds nothing.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Waybill]:
        """Return the waybills with the newest event of each and what became of its push."""
        newest = Push.objects.filter(waybill_id=OuterRef("pk")).order_by("-action_time", "-pk")
        queryset: QuerySet[Waybill] = super().get_queryset(request)
        return queryset.annotate(
            newest_type=Subquery(newest.values("action_type")[:1]), newest_state=Subquery(newest.values("state")[:1])
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Waybill], search_term: str
    ) -> tuple[QuerySet[Waybill], bool]:
        """Return the waybill with this number; phones come by another way (`phone_search`)."""
        no = clean_text(search_term)
        return (queryset.filter(no=no) if no else queryset), False

    def is_number(self, term: str) -> bool:
        """Return whether it is a waybill's number, or cannot be a phone."""
        return has_letters(term) or Waybill.objects.filter(no=term).exists()

    def of_phone(self, queryset: QuerySet[Any], index: bytes) -> QuerySet[Any]:
        """Return those that the phone sends or receives."""
        return queryset.filter(pk__in=Waybill.objects.of_index(index).order_by().values("pk"))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the list; where a search finds one waybill only, its page."""
        response: HttpResponse = super().changelist_view(request, extra_context)
        cl = (getattr(response, "context_data", None) or {}).get("cl")
        if cl is not None and (cl.query or PARAMETER in request.GET) and cl.page_num == 1 and len(cl.result_list) == 1:
            return HttpResponseRedirect(reverse("admin:waybills_waybill_change", args=[cl.result_list[0].pk]))
        return response

    @display(description=_("receiver"))
    def receiver_region(self, waybill: Waybill) -> str:
        """Return the receiver's province and city."""
        return _region(waybill.receiver_province, waybill.receiver_city)

    @display(description=_("sender"))
    def sender_region(self, waybill: Waybill) -> str:
        """Return the sender's province and city."""
        return _region(waybill.sender_province, waybill.sender_city)

    @display(description=_("created by the carrier at"))
    def created_by_carrier(self, waybill: Waybill) -> str:
        """Return the carrier's time of creation; of a stub, that the waybill has not come."""
        if waybill.posted_at is None:
            return str(_("events only, the waybill has not come yet"))
        return show_wire_time(waybill.create_time)

    @display(description=_("newest event"))
    def latest_event(self, waybill: Any) -> str:
        """Return the newest event's name."""
        if waybill.newest_type is None:
            return ""
        return str(dict(ActionType.choices).get(waybill.newest_type, waybill.newest_type))

    @display(description=_("its push"), label=PUSH_STATE_COLOURS)
    def latest_push(self, waybill: Any) -> tuple[str, Any] | None:
        """Return the state of the newest event's push, coloured."""
        if waybill.newest_state is None:
            return None
        return waybill.newest_state, PushState(waybill.newest_state).label


def _region(province: str, city: str) -> str:
    return mask_numbers(city if city.startswith(province) else f"{province} {city}".strip())
