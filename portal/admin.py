"""Users and groups in the desk's look."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import PermissionDenied
from django.db.models import ManyToManyField, Model
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from portal.permission_field import DESK_APPS, PermissionField

_RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")
"""Whether an account is staff is one: only who is not may have API tokens, which carry the account's rights."""

admin.site.unregister(User)
admin.site.unregister(Group)


class PermissionChoice:
    """Offers the desk's own permissions, in its words."""

    def formfield_for_manytomany(
        self, db_field: "ManyToManyField[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> Any:
        """Return the form's field."""
        if db_field.related_model is Permission:
            kwargs["form_class"] = PermissionField
            kwargs["queryset"] = (
                Permission.objects.filter(content_type__app_label__in=DESK_APPS)
                .select_related("content_type")
                .order_by("content_type__app_label", "content_type__model", "pk")
            )
        return super().formfield_for_manytomany(db_field, request, **kwargs)  # type: ignore[misc]


@admin.register(User)
class UserAdmin(PermissionChoice, DjangoUserAdmin, ModelAdmin):  # type: ignore[type-arg]
    """Staff and service accounts. Nobody is deleted: what a person did names that person for ever.

    Who may do what is a superuser's to say: `auth.change_user` alone leads nobody to more than they have.
    """

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "first_name", "is_staff", "is_active", "last_login")
    list_fullwidth = True
    compressed_fields = True

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return False: an account is deactivated."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return whether the person may edit this account: a superuser's only another superuser."""
        if isinstance(obj, User) and obj.is_superuser and not _is_superuser(request):
            return False
        return super().has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Return what cannot be edited: of rights, nothing but by a superuser."""
        fields = super().get_readonly_fields(request, obj)
        return fields if _is_superuser(request) else (*fields, *_RIGHTS)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """Set an account's password. Raise PermissionDenied for all but superusers: it would be a way into it."""
        if not _is_superuser(request):
            raise PermissionDenied
        return super().user_change_password(request, id, form_url)


@admin.register(Group)
class GroupAdmin(PermissionChoice, DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]
    """Roles: as rights are, a superuser's to give."""

    list_fullwidth = True

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return whether the person may make a role."""
        return _is_superuser(request) and super().has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """Return whether the person may edit a role: their own would give them everything."""
        return _is_superuser(request) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """Return whether the person may delete a role."""
        return _is_superuser(request) and super().has_delete_permission(request, obj)


def _is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))
