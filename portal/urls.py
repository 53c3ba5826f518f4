"""Every address of the portal, by surface (PORTAL_SURFACE)."""

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from portal.desk import favicon
from portal.health import healthz, readyz
from waybills.jsonp import info
from wechat.views import callback

Addresses = list[URLPattern | URLResolver]


def lead_to_favicon(request: HttpRequest) -> HttpResponse:
    """Lead to the desk's sign: browsers ask for it by this name on pages that name none."""
    return HttpResponseRedirect(favicon(request))


PROBES: Addresses = [path("healthz", healthz), path("readyz", readyz)]
EDGE: Addresses = [
    path("wechat/callback/", callback, name="callback"),
    path("waybills/info/", info, name="info"),
]
"""What WeChat reaches; `portal.wsgi` serves it without middleware."""
OPS: Addresses = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("favicon.ico", lead_to_favicon),
    path("", include("waybills.api.urls")),
    path("gateway/", include("wechat.gateway.urls")),
    path("admin/i18n/", include("django.conf.urls.i18n")),
    path("admin/", admin.site.urls),
    *([path("sandbox/", RedirectView.as_view(url=settings.SANDBOX_URL))] if settings.SANDBOX_URL else []),
]
"""What the carrier's own people and systems reach."""


def addresses(surface: str) -> Addresses:
    """Return the addresses of a surface: all, edge or ops."""
    return [*PROBES, *(EDGE if surface != "ops" else []), *(OPS if surface != "edge" else [])]


urlpatterns = addresses(settings.SURFACE)
handler400 = "portal.faults.bad_request"
handler500 = "portal.faults.server_error"
