"""Service accounts' tokens: issued here and shown once, limited, revoked; who may is a matter of permissions."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import ForeignKey, Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action, display

from waybills.admin.person import person
from waybills.admin.read_only import FastListAdmin
from waybills.api_tokens import change_token, issue_token, revoke_tokens
from waybills.models import ApiToken, ApiTokenQuerySet

_STATES = {
    "in_force": _("in force"),
    "expired": _("expired"),
    "revoked": _("revoked"),
    "account_off": _("account switched off"),
}
_SCOPES = ("may_ingest", "may_read", "may_push")


class ApiTokenForm(forms.ModelForm):  # type: ignore[type-arg]
    """What can be said of a token."""

    class Meta:
        model = ApiToken
        fields = ("user", "name", *_SCOPES, "expires_at")
        help_texts: ClassVar = {"expires_at": _("Empty: it does not expire.")}

    def clean_expires_at(self) -> Any:
        """Return the moment; to end a token now is to revoke it."""
        moment = self.cleaned_data["expires_at"]
        if moment is not None and "expires_at" in self.changed_data and moment <= timezone.now():
            raise forms.ValidationError(_("This moment is past. Revoke the token to end it now."), code="past")
        return moment


@admin.register(ApiToken)
class ApiTokenAdmin(FastListAdmin):
    """Which systems may call the API, what for, until when, and when each last did. Nothing here is deleted."""

    form = ApiTokenForm
    list_display = ("user", "name", "state", "scope_names", "expires_at", "last_used_at", "created_at")
    list_display_links = ("user", "name")
    list_select_related = ("user",)
    fields = ("user", "name", *_SCOPES, "expires_at")
    actions = ("revoke",)

    @display(
        description=_("state"),
        label={"in_force": "success", "expired": "warning", "revoked": "danger", "account_off": "danger"},
    )
    def state(self, token: ApiToken) -> tuple[str, Any]:
        """Return whether somebody may call by it, or why not."""
        return token.state(timezone.now()), _STATES[token.state(timezone.now())]

    @display(description=_("scopes"))
    def scope_names(self, token: ApiToken) -> str:
        """Return what it may be used for, in the API's words."""
        return ", ".join(sorted(token.scopes))

    @action(description=_("Revoke: from the next request on, for good"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: ApiTokenQuerySet) -> None:
        """Revoke the tokens that are selected."""
        count = revoke_tokens(queryset, actor=person(request))
        text = ngettext("%(count)d token was revoked.", "%(count)d tokens were revoked.", count)
        self.message_user(request, text % {"count": count}, messages.SUCCESS if count else messages.WARNING)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """Return what cannot be edited: of an issued token, whose it is; of a revoked one, anything."""
        if obj is None:
            return ()
        return ("user", "state", "created_at", "last_used_at", "revoked_at")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """Return the form's fields, and what is known of an issued token."""
        return self.fields if obj is None else (*self.fields, "state", "created_at", "last_used_at", "revoked_at")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return whether the person may change it: a revoked one stays as it was."""
        if isinstance(obj, ApiToken) and obj.revoked_at is not None:
            return False
        return bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return False: a token is revoked, and its row tells that it was there."""
        return False

    def formfield_for_foreignkey(self, db_field: "ForeignKey[Any, Any]", request: HttpRequest, **kwargs: Any) -> Any:
        """Offer service accounts alone: a token of a person's account would carry that person's rights."""
        kwargs["queryset"] = User.objects.filter(is_staff=False, is_superuser=False, is_active=True).order_by(
            "username"
        )
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: ApiToken, form: "forms.ModelForm[ApiToken]", change: bool) -> None:
        """Issue a token, or save its limits, with the act of who did."""
        if change:
            change_token(obj, actor=person(request))
        else:
            request.issued_token = issue_token(obj, actor=person(request))  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: ApiToken, post_url_continue: str | None = None) -> HttpResponse:
        """Show the new token, this once: like all of the desk, the page is not to be kept by caches."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("New API token"),
            "token": obj,
            "secret": request.issued_token,  # type: ignore[attr-defined]
        }
        return TemplateResponse(request, "admin/waybills/apitoken/issued.html", context)
