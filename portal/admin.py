"""Users and groups in the desk's look."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.db.models import ManyToManyField, Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from portal.permission_field import DESK_APPS, PermissionField

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
    """Staff and service accounts. Nobody is deleted: what a person did names that person for ever."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "first_name", "is_staff", "is_active", "last_login")
    list_fullwidth = True
    compressed_fields = True

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return False: an account is deactivated."""
        return False


@admin.register(Group)
class GroupAdmin(PermissionChoice, DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]
    """Roles."""

    list_fullwidth = True
