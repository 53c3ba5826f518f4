"""Every address of the portal, by surface."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/i18n/", include("django.conf.urls.i18n")),
    path("admin/", admin.site.urls),
]
