"""The choice of permissions in the words of the desk: Django stores their names in English."""

from django import forms
from django.contrib.auth.models import Permission
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

DESK_APPS = ("waybills", "wechat", "auth")
"""Whose permissions decide anything on the desk."""

_ACTIONS = {"add": _("add"), "change": _("change"), "delete": _("delete"), "view": _("view")}


class PermissionField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """Names a permission by what it lets a person do to what."""

    def label_from_instance(self, obj: Permission) -> str:
        """Return "waybill: view", translated."""
        model = obj.content_type.model_class()
        noun = obj.content_type.model if model is None else str(model._meta.verbose_name)
        return f"{noun}: {_action(obj)}"


def _action(permission: Permission) -> str:
    verb, _separator, noun = permission.codename.partition("_")
    if verb in _ACTIONS and noun == permission.content_type.model:
        return str(_ACTIONS[verb])
    return gettext(permission.name)
