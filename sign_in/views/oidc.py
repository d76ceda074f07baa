"""Pages of OpenID Connect: the way to the provider, and the way back."""

from __future__ import annotations

from typing import Any

from django.contrib import auth
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from mozilla_django_oidc.views import OIDCAuthenticationCallbackView, OIDCAuthenticationRequestView

from archive.errors import CoursekeepError
from sign_in.attempts import REFUSAL
from sign_in.identities import SignInRefused
from sign_in.oidc import PROOF, client_setting
from sign_in.provider import options, provider
from sign_in.trail import PROVIDER_END, PROVIDER_TOKEN
from sign_in.views.pages import address_inside

NEXT = "oidc_login_next"


class OidcStart(OIDCAuthenticationRequestView):  # type: ignore[misc]  # the package has no types
    """Lead to the provider, with a state, a nonce and a challenge (PKCE) that the session keeps."""

    @staticmethod
    def get_settings(attr: str, *args: Any) -> Any:
        """Return a setting of the package."""
        return client_setting(attr, *args)


class OidcCallback(OIDCAuthenticationCallbackView):  # type: ignore[misc]  # the package has no types
    """Sign the person in whom the provider's answer is about, or say why not."""

    @staticmethod
    def get_settings(attr: str, *args: Any) -> Any:
        """Return a setting of the package."""
        return client_setting(attr, *args)

    def get(self, request: HttpRequest) -> HttpResponse:
        """Take the provider's answer to a question that this session asked."""
        name = options().name
        if "error" in request.GET:
            # Who is signed in stays so: anybody can write an address with an error in it.
            return self._refused(SignInRefused(f"{name} did not sign you in.", hint="Sign in again."))
        try:
            answer: HttpResponse = super().get(request)
        except SuspiciousOperation:
            return self.login_failure()
        except CoursekeepError as error:
            return self._refused(error)
        return answer

    def login_success(self) -> HttpResponse:
        """Sign the person in with a new session key, also if another way of signing in had let the person in before."""
        following = address_inside(self.request, self.success_url)
        auth.login(self.request, self.user, backend=self.user.backend)
        session = self.request.session
        session.pop(NEXT, None)
        session[PROVIDER_TOKEN] = self.request.META[PROOF]
        session[PROVIDER_END] = provider().end_session
        return HttpResponseRedirect(following)

    def login_failure(self) -> HttpResponse:
        """Say why the person was not let in."""
        stale = SignInRefused(
            "This sign-in was not begun in this browser, or is over.", hint="Sign in again."
        )
        return self._refused(self.request.META.get(REFUSAL, stale))

    def _refused(self, error: CoursekeepError) -> HttpResponse:
        return render(self.request, "sign_in/refused.html", {"error": error}, status=403)
