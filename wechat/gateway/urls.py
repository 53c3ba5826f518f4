"""Addresses of the gateway, below /gateway/: WeChat's own."""

from django.urls import path, re_path

from wechat.gateway import views

urlpatterns = [
    path("cgi-bin/stable_token", views.stable_token, name="gateway-stable-token"),
    path("cgi-bin/token", views.token, name="gateway-token"),
    path("cgi-bin/express/delivery/userquery", views.userquery, name="gateway-userquery"),
    path("cgi-bin/express/delivery/pathnotify", views.pathnotify, name="gateway-pathnotify"),
    re_path("", views.unknown),
]
