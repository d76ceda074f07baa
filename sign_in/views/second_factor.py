"""Pages of the second factor: the code at sign-in, one's own device and recovery codes, and the reset for somebody else."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from archive.errors import UsageError
from courses.accounts import person, require_administrator
from courses.models import User
from sign_in import second_factor
from sign_in.attempts import record_attempt
from sign_in.trail import way_of
from sign_in.views.pages import address_inside

KEY = "coursekeep.second_factor_key"
"""Key in the session of the secret of a device that is being set up."""

WRONG = (
    "The code is wrong, or was used already. "
    "Enter the six digits that the app shows now, or a recovery code that you have not used."
)


@login_required
@require_http_methods(["GET", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """Ask for the code at sign-in; the session is verified when it is right."""
    account = person(request.user)
    following = request.POST.get("next") or request.GET.get("next") or ""
    if second_factor.due(request, account) != "code":
        return HttpResponseRedirect(address_inside(request, following))
    fault = ""
    if request.method == "POST":
        fault, recovery = _checked(request, account)
        if not fault:
            second_factor.verify(request, account)
            factor = "recovery code" if recovery else "code"
            record_attempt("sign-in", account, request, by=account, factor=factor, **way_of(request))
            return HttpResponseRedirect(address_inside(request, following))
    context = {"errors": [("code", fault)] if fault else [], "next": address_inside(request, following)}
    return render(request, "sign_in/code.html", context, status=400 if fault else 200)


@login_required
@require_http_methods(["GET", "POST"])
def own(request: HttpRequest) -> HttpResponse:
    """Show one's own second factor: set it up, make new recovery codes, or remove it."""
    account = person(request.user)
    device = second_factor.device_of(account)
    if device is None:
        require_administrator(account)
        return _set_up(request, account)
    if request.method == "GET":
        return _device(request, account, "")
    what = request.POST.get("what", "")
    if what not in ("codes", "remove"):
        raise UsageError("It is not said what to do.", hint="Press one of the buttons of the page.")
    # A session that somebody left open is not enough for either.
    fault, _ = _checked(request, account)
    if fault:
        return _device(request, account, fault)
    if what == "codes":
        return _shown_codes(request, second_factor.renew_codes(account))
    second_factor.remove(account, by=account)
    messages.success(request, "Your second factor was removed.")
    return redirect("second-factor")


@login_required
@require_POST
def reset(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove the second factor of another administrator, who has lost it."""
    require_administrator(request.user)
    account = get_object_or_404(User, pk=pk, deleted=0)
    if account.pk == person(request.user).pk:
        raise UsageError(
            "Your own second factor is not removed here.", hint="Remove it on its own page, with a code."
        )
    if second_factor.remove(account, by=person(request.user)):
        messages.success(request, f"The second factor of {account} was removed.")
    else:
        messages.info(request, f"{account} has no second factor.")
    return redirect("account", pk=pk)


def _set_up(request: HttpRequest, account: User) -> HttpResponse:
    """Show the secret of a new device, and take it when its code is right. Then the recovery codes are shown, once."""
    key = request.session.get(KEY)
    fault = ""
    if request.method == "POST" and key:
        try:
            codes = second_factor.set_up(account, key, request.POST.get("code", ""))
        except UsageError as error:
            fault = error.sentence()
        else:
            del request.session[KEY]
            second_factor.verify(request, account)
            return _shown_codes(request, codes)
    if not key:
        key = request.session[KEY] = second_factor.new_key()
    context = {
        "picture": second_factor.as_picture(account, key),
        "secret": second_factor.as_text(key),
        "errors": [("code", fault)] if fault else [],
        "required": settings.SECOND_FACTOR_REQUIRED,
    }
    return render(request, "sign_in/set_up.html", context, status=400 if fault else 200)


def _device(request: HttpRequest, account: User, fault: str) -> HttpResponse:
    context = {
        "device": second_factor.device_of(account),
        "left": account.recovery_codes.count(),
        "errors": [("code", fault)] if fault else [],
        "asked": settings.SECOND_FACTOR_AFTER_OIDC
        or request.session.get(BACKEND_SESSION_KEY) != second_factor.OIDC_BACKEND,
    }
    return render(request, "sign_in/device.html", context, status=400 if fault else 200)


def _shown_codes(request: HttpRequest, codes: list[str]) -> HttpResponse:
    return render(request, "sign_in/recovery_codes.html", {"codes": codes})


def _checked(request: HttpRequest, account: User) -> tuple[str, bool]:
    """Check the code of a form; return what is wrong, "" if it is right, and whether it was a recovery code."""
    found = second_factor.check(request, account, request.POST.get("code", "")[:100])
    if found.wait_until is not None:
        seconds = max(1, round((found.wait_until - timezone.now()).total_seconds()))
        fault = f"Too many codes were wrong. Wait {seconds} seconds, or enter a recovery code."
    else:
        fault = "" if found.right else WRONG
    return fault, found.recovery
