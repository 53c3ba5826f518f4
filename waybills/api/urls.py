"""Addresses of the API."""

from django.urls import path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny

from waybills.api.cells import CellsView
from waybills.api.line import LineView, ResumeView, StopView
from waybills.api.paths import PathsView, VoidView
from waybills.api.pushes import PushesView, RetryView
from waybills.api.views import UnknownAddress
from waybills.api.waybills import WaybillsView, WaybillView

# Open to whoever reaches the surface: they tell what the API is, and nothing that is stored.
_OPEN = {"authentication_classes": [], "permission_classes": [AllowAny]}

urlpatterns = [
    path("api/v1/waybills/", WaybillsView.as_view(), name="api-waybills"),
    # A waybill's number may hold a slash.
    path("api/v1/waybills/<path:waybill_id>/", WaybillView.as_view(), name="api-waybill"),
    path("api/v1/paths/", PathsView.as_view(), name="api-paths"),
    path("api/v1/paths/void/", VoidView.as_view(), name="api-void"),
    path("api/v1/pushes/", PushesView.as_view(), name="api-pushes"),
    path("api/v1/pushes/<int:push_id>/retry/", RetryView.as_view(), name="api-retry"),
    path("api/v1/cells/", CellsView.as_view(), name="api-cells"),
    path("api/v1/line/", LineView.as_view(), name="api-line"),
    path("api/v1/line/stop/", StopView.as_view(), name="api-line-stop"),
    path("api/v1/line/resume/", ResumeView.as_view(), name="api-line-resume"),
    path("api/schema/", SpectacularAPIView.as_view(**_OPEN), name="api-schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="api-schema", **_OPEN), name="api-docs"),
    re_path(r"^api(/|$)", UnknownAddress.as_view()),
]
