"""The desk's shell: title, navigation and look of the admin (django-unfold's settings)."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


def environment(request: HttpRequest) -> list[Any] | None:
    """Return (label, colour) where this is not production: nobody must take a demo for it, or it for a demo."""
    if settings.DEBUG:
        return [_("Development"), "info"]
    if "api.weixin.qq.com" not in settings.WECHAT.api_base:
        return [_("Sandbox, not WeChat"), "warning"]
    return None


def stylesheet(request: HttpRequest) -> str:
    """Return the address of the desk's own styles."""
    return static("portal/desk.css")


def favicon(request: HttpRequest) -> str:
    """Return the address of the tab's sign."""
    return static("portal/favicon.svg")


def _entry(title: Promise, icon: str, model: str, *needed: str) -> dict[str, Any]:
    """Return one line of the navigation, shown to whoever has what is needed: to view the model (`app_model`)."""
    app, _separator, noun = model.partition("_")
    permissions = needed or (f"{app}.view_{noun}",)
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{model}_changelist"),
        "permission": lambda request: request.user.has_perms(permissions),
    }


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": _("Carrier portal to WeChat's logistics push"),
    "SITE_HEADER": _("Carrier portal"),
    "SITE_SUBHEADER": _("WeChat's logistics push"),
    "SITE_SYMBOL": "local_shipping",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": favicon}],
    "SITE_URL": None,
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "SHOW_LANGUAGES": True,
    "ENVIRONMENT": "portal.desk.environment",
    "DASHBOARD_CALLBACK": "portal.dashboard.add_dashboard",
    "STYLES": [stylesheet],
    "LOGIN": {"form": "portal.login_throttle.ThrottledAuthenticationForm"},
    "BORDER_RADIUS": "8px",
    "COLORS": {
        "primary": {
            "50": "oklch(97.1% .014 243)",
            "100": "oklch(94.2% .030 243)",
            "200": "oklch(89.0% .058 243)",
            "300": "oklch(81.5% .100 244)",
            "400": "oklch(71.0% .145 247)",
            "500": "oklch(62.0% .170 252)",
            "600": "oklch(54.5% .175 256)",
            "700": "oklch(48.0% .160 258)",
            "800": "oklch(42.0% .130 259)",
            "900": "oklch(37.5% .100 260)",
            "950": "oklch(28.0% .070 262)",
        }
    },
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": [
            {
                "title": _("Work"),
                "items": [
                    {"title": _("Overview"), "icon": "dashboard", "link": reverse_lazy("admin:index")},
                    _entry(_("Waybills"), "package_2", "waybills_waybill"),
                    _entry(_("Pushes"), "send", "waybills_push"),
                    _entry(
                        _("Imports"),
                        "upload_file",
                        "waybills_importjob",
                        "waybills.add_waybill",
                        "waybills.add_path",
                    ),
                    _entry(_("Line"), "power_settings_new", "waybills_line"),
                ],
            },
            {
                "title": _("Landing page and codes"),
                "separator": True,
                "items": [
                    _entry(_("Cells"), "list_alt", "waybills_cell"),
                    _entry(_("Carrier's codes"), "swap_horiz", "waybills_carriercode"),
                    _entry(_("Bindings"), "link", "waybills_binding"),
                ],
            },
            {
                "title": _("Records"),
                "separator": True,
                "items": [
                    _entry(_("Attempts"), "history", "waybills_pushattempt"),
                    _entry(_("Callbacks"), "undo", "wechat_callback"),
                    _entry(_("Refused callbacks"), "gpp_bad", "wechat_callbackrefusal"),
                    _entry(_("Staff actions"), "fact_check", "waybills_act"),
                ],
            },
            {
                "title": _("Accounts"),
                "separator": True,
                "items": [
                    _entry(_("Users"), "person", "auth_user"),
                    _entry(_("Roles"), "group", "auth_group"),
                    _entry(_("API tokens"), "key", "waybills_apitoken"),
                ],
            },
        ],
    },
}
