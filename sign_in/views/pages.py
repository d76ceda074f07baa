"""The pages to sign in and to sign out, and the one of a link that a command made."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.views import LoginView, LogoutView
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods

from sign_in import links
from sign_in.attempts import REFUSAL
from sign_in.backends import DIRECTORY_SILENT
from sign_in.provider import sign_out_address
from sign_in.trail import BY_LINK, PROVIDER_END, PROVIDER_TOKEN

PASSWORDS_BACKEND = "sign_in.backends.SignInBackend"


def address_inside(request: HttpRequest, address: str) -> str:
    """Return an address if it is a path of this site, else that of the courses."""
    hosts = {request.get_host()}
    inside = url_has_allowed_host_and_scheme(address, hosts, require_https=request.is_secure())
    return address if inside and address.startswith("/") else "/"


class SignIn(LoginView):
    """The page to sign in: the form of user name and password, and the way to the provider of OpenID Connect."""

    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return what the page shows."""
        shown = {"passwords": settings.PASSWORD_SIGN_IN, "oidc": settings.OIDC}
        # The password was right, so that the reason is told to its owner only.
        why = {
            "directory_silent": DIRECTORY_SILENT in self.request.META,
            "refusal": self.request.META.get(REFUSAL),
        }
        return super().get_context_data(**kwargs) | shown | why


class SignOut(LogoutView):
    """Sign out here, and lead on to the sign-out of the provider if the person came from there."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """End the session."""
        token, end = (str(request.session.get(key, "")) for key in (PROVIDER_TOKEN, PROVIDER_END))
        answer: HttpResponse = super().post(request, *args, **kwargs)
        if settings.OIDC is None or not token or not end:
            return answer
        address = sign_out_address(end, token, f"{settings.SITE_URL}/accounts/login/")
        # A redirect after a form to another site is what the Content-Security-Policy forbids; a page may lead on.
        return render(request, "sign_in/signed_out.html", {"address": address, "oidc": settings.OIDC})


@require_http_methods(["GET", "POST"])
def by_link(request: HttpRequest, token: str) -> HttpResponse:
    """Show the button that signs in by a link, and sign in. Programs that look at links press no buttons.

    Links are signed, so that nobody guesses one. What is no link is not counted: any site can make browsers ask for it.
    """
    if request.method == "POST":
        with transaction.atomic():
            account = links.account_of(token, lock=True)
            if account is not None:
                request.META[BY_LINK] = True
                auth.login(request, account, backend=PASSWORDS_BACKEND)
                return redirect("courses")
    else:
        account = links.account_of(token)
    return render(request, "sign_in/link.html", {"account": account}, status=200 if account else 404)
