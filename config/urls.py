"""The URLs of the site."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path

from config import metrics
from config.health import PROBES

admin.autodiscover()

urlpatterns = [
    *(path(name, view, name=name) for name, view in PROBES.items()),
    path("metrics", metrics.metrics, name="metrics"),
    path("accounts/login/", auth.LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("accounts/logout/", auth.LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
    *(
        path("", include(f"{room}.urls"))
        for room in ("transfer", "restore", "backup", "notices", "vault", "selection", "viewer")
    ),
]
