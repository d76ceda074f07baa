"""The URLs of the site."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from config import metrics
from config.health import PROBES

admin.autodiscover()

urlpatterns = [
    *(path(name, view, name=name) for name, view in PROBES.items()),
    path("metrics", metrics.metrics, name="metrics"),
    path("admin/", admin.site.urls),
    *(
        path("", include(f"{room}.urls"))
        for room in ("sign_in", "transfer", "restore", "backup", "notices", "vault", "selection", "viewer")
    ),
]
