"""The addresses of the usual ingest."""

from django.urls import path

from bench.usual.ingest import EventsView, LeanEventsView, TunedView

urlpatterns = [
    path("events/", EventsView.as_view()),
    path("lean/", LeanEventsView.as_view()),
    path("tuned/", TunedView.as_view()),
]
