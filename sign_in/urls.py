"""Addresses of sign-in, of the second factor and of OpenID Connect."""

from __future__ import annotations

from django.urls import path

from sign_in.views import oidc, pages, second_factor

urlpatterns = [
    path("accounts/login/", pages.SignIn.as_view(), name="login"),
    path("accounts/logout/", pages.SignOut.as_view(), name="logout"),
    path("accounts/link/<str:token>/", pages.by_link, name="sign-in-link"),
    path("accounts/oidc/", oidc.OidcStart.as_view(), name="oidc-start"),
    path("accounts/oidc/callback/", oidc.OidcCallback.as_view(), name="oidc-callback"),
    path("accounts/second-factor/", second_factor.own, name="second-factor"),
    path("accounts/second-factor/code/", second_factor.code, name="second-factor-code"),
    path("administration/people/<int:pk>/second-factor/", second_factor.reset, name="account-second-factor"),
]
