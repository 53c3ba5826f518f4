"""The two addresses."""

from django.urls import path

from bench.usual.views import CallbackView, InfoView

urlpatterns = [path("wechat/callback/", CallbackView.as_view()), path("waybills/info/", InfoView.as_view())]
