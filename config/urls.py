"""The addresses of the site."""

from __future__ import annotations

from importlib.util import find_spec

from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path

urlpatterns = [
    path("accounts/login/", auth.LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("accounts/logout/", auth.LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
    *(
        path("", include(f"{domain}.urls"))
        for domain in ("restore", "backup", "courses")
        if find_spec(f"{domain}.urls")
    ),
]
