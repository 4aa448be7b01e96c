"""No door: commands and the worker serve no pages. Each web process names its own table of addresses."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
