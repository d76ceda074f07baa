"""Addresses of copies, of imports, of removals and of the recycle bin."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
