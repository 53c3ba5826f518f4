"""The two addresses of the usual ingest."""

from django.urls import path

from bench.usual.ingest import EventsView, TunedView

urlpatterns = [path("events/", EventsView.as_view()), path("tuned/", TunedView.as_view())]
