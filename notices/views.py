"""Pages of notices: what a person wants to be told, and for administrators the web hooks and the last deliveries."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from archive.errors import UsageError
from courses.accounts import person, require_administrator
from courses.paging import key_page
from notices import hooks, outbox
from notices.models import Notice, NoticeChoice, WebHook
from notices.receivers import Receiver
from vault.email_texts import text_of

PAGE = 50
CRUMBS = [("/administration/", "Administration")]


@login_required
@require_http_methods(["GET", "POST"])
def choices(request: HttpRequest) -> HttpResponse:
    """Show and save which notices a person wants by e-mail."""
    by = person(request.user)
    chosen = NoticeChoice.objects.filter(person=by).first() or NoticeChoice(person=by)
    if request.method == "POST":
        chosen.failures, chosen.summaries = "failures" in request.POST, "summaries" in request.POST
        chosen.save()
        messages.success(request, "Your choice was saved.")
        return redirect("notice-choices")
    context = {"chosen": chosen, "address": by.email, "sent": settings.EMAIL_IS_SET}
    return render(request, "notices/choices.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def overview(request: HttpRequest) -> HttpResponse:
    """Show the web hooks and the last notices, newest first; make a web hook."""
    require_administrator(request.user)
    values = {name: request.POST.get(name, "").strip() for name in ("name", "url", "secret")}
    errors = hooks.faults(**values) if request.method == "POST" else []
    if request.method == "POST" and not errors:
        made = hooks.create_hook(**values, by=person(request.user))
        messages.success(request, f"The web hook “{made.name}” was made. Send a test to it.")
        return redirect("notices")
    context = {
        "hooks": WebHook.objects.all(),
        "notices": key_page(Notice.objects.select_related("hook"), request.GET, size=PAGE, order=("-pk",)),
        "values": values,
        "errors": errors,
        "sent": settings.EMAIL_IS_SET,
        "own_address": person(request.user).email,
        "crumbs": CRUMBS,
    }
    return render(request, "notices/overview.html", context, status=400 if errors else 200)


@login_required
@require_POST
def send_test(request: HttpRequest) -> HttpResponse:
    """Put a test for the administrator's own address into the outbox."""
    require_administrator(request.user)
    by = person(request.user)
    if not (settings.EMAIL_IS_SET and by.email):
        raise UsageError(
            "No e-mail can be sent to you.",
            hint="Set COURSEKEEP_EMAIL_URL for the site, and an e-mail address for your account.",
        )
    outbox.put_test(Receiver(by.email, by), text_of("test"))
    messages.success(request, f"A test to {by.email} will be sent within a minute.")
    return redirect("notices")


@login_required
@require_POST
def change_hook(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a test to a web hook, switch it on or off, or remove it."""
    require_administrator(request.user)
    hook, by = get_object_or_404(WebHook, pk=pk), person(request.user)
    change = request.POST.get("change", "")
    if change == "test" and not hook.enabled:
        raise UsageError(f"The web hook “{hook.name}” is off.", hint="Switch it on, then send the test.")
    if change == "test":
        outbox.put_test(Receiver(hook=hook), text_of("test"))
        messages.success(request, f"A test to “{hook.name}” will be sent within a minute.")
    elif change in ("on", "off"):
        hooks.switch_hook(hook, change == "on", by=by)
        messages.success(request, f"The web hook “{hook.name}” is {change} now.")
    elif change == "remove":
        hooks.remove_hook(hook, by=by)
        messages.success(request, f"The web hook “{hook.name}” was removed.")
    else:
        raise UsageError(
            "It is not said what is to be done with the web hook.", hint="Press one of its buttons."
        )
    return redirect("notices")
