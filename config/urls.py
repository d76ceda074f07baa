"""The URLs of the site."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path

urlpatterns = [
    path("accounts/login/", auth.LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("accounts/logout/", auth.LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
    *(
        path("", include(f"{room}.urls"))
        for room in ("transfer", "restore", "backup", "notices", "vault", "selection", "viewer")
    ),
]
