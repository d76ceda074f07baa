"""Pages: the restore wizard, in Moodle's stages: confirm, destination, settings, schema, review, the job."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from archive.errors import CoursekeepError
from archive.numbers import natural
from courses.accounts import person
from jobs import queue
from jobs.form_requests import WITH_PAGES
from jobs.form_tokens import sent_token
from jobs.models import Job
from restore import rehearsal_jobs, review_page, services
from restore.damaged_activities import LEAVE_OUT
from restore.damaged_activities import OPTION as DAMAGED
from restore.views.destination import Destination
from restore.views.wizard import Wizard, wizard_of
from selection import forms
from selection.items import items_of_archive
from selection.settings import Settings
from vault import manifests


@login_required
@require_GET
def inside(request: HttpRequest, pk: int) -> HttpResponse:
    """Stage 1: the archive, its origin and its content."""
    wizard = wizard_of(request, pk)
    items = items_of_archive(wizard.manifest)
    context = wizard.context(
        "inside",
        nodes=forms.plain_tree(items),
        types=forms.types(items),
        settings=[one for one in wizard.manifest.settings if not one.owner],
        counts=manifests.counts_of(wizard.archive),
        activities=len(wizard.manifest.activities),
        course=natural(request.GET.get("course", "")),
    )
    return render(request, "restore/inside.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def destination(request: HttpRequest, pk: int) -> HttpResponse:
    """Stage 2: a new course in a category, or a course that is added to or whose content is replaced."""
    wizard = wizard_of(request, pk)
    form = Destination(wizard, request.POST if request.method == "POST" else request.GET)
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        back = "back" in request.POST
        if not back and (form.browses or form.asks_for_a_place):
            return redirect(f"{wizard.address('destination')}?{form.query}#course-choice")
        facts, errors = form.facts()
        if not errors:
            wizard.draft.facts = facts
            wizard.draft.save()
            wizard.save(wizard.draft.asked)
        if back or not errors:
            return redirect(wizard.address("inside") if back else wizard.after("destination"))
    return render(
        request,
        "restore/destination.html",
        wizard.context("destination", errors=errors, **form.context()),
    )


@login_required
@require_http_methods(["GET", "POST"])
def settings(request: HttpRequest, pk: int) -> HttpResponse:
    """Stage 3: the options of the whole restore."""
    wizard = wizard_of(request, pk)
    if not wizard.target or wizard.of_one:
        return redirect(wizard.after("destination") if wizard.target else wizard.address("destination"))
    resolved = wizard.resolve(wizard.draft.asked)
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        asked = {**wizard.draft.asked, **forms.asked_on(request.POST, resolved.of(""))}
        resolved = wizard.resolve(asked)
        errors = wizard.save(asked)
        if getattr(request, "htmx", False):
            return wizard.summary(resolved)
        if "back" in request.POST:
            return redirect(wizard.address("destination"))
        if not errors:
            return redirect(wizard.address("review" if "jump" in request.POST else "schema"))
    groups = forms.option_groups(resolved)
    context = wizard.context("settings", groups=groups, errors=errors)
    context["so_far"] = wizard.so_far(resolved)
    return render(request, "restore/settings.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def schema(request: HttpRequest, pk: int) -> HttpResponse:
    """Stage 4: the sections and activities to restore."""
    wizard = wizard_of(request, pk)
    if not wizard.target or wizard.of_one:
        return redirect(wizard.after("destination") if wizard.target else wizard.address("destination"))
    resolved = wizard.resolve(wizard.draft.asked)
    items = items_of_archive(wizard.manifest)
    errors: list[tuple[str, str]] = []
    if "bring" in request.POST:
        brought = forms.brought_along(request.POST["bring"], items, resolved)
        errors = wizard.save({**wizard.draft.asked, **brought})
        if not errors:
            return redirect(wizard.address("review"))
    elif request.method == "POST":
        shown = forms.choosable(forms.tree(items, resolved))
        chosen = forms.asked_on(request.POST, shown) | forms.bulk(request.POST, items, resolved)
        asked = {**wizard.draft.asked, **chosen}
        resolved = wizard.resolve(asked)
        errors = wizard.save(asked)
        if getattr(request, "htmx", False):
            return wizard.summary(resolved)
        if "back" in request.POST:
            return redirect(wizard.address("settings"))
        if not errors:
            stays = "bulk" in request.POST or forms.searches(request.POST)
            return redirect(
                forms.same_tree(wizard.address("schema"), request.POST) if stays else wizard.after("schema")
            )
    text = forms.search_of(request.POST or request.GET)
    context = wizard.context("schema", errors=errors)
    context |= forms.tree_context(items, wizard.selection(resolved), text)
    return render(request, "restore/schema.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def review(request: HttpRequest, pk: int) -> HttpResponse:
    """Stage 5: the rehearsal of the restore and its report, all choices, and the button that starts the restore."""
    wizard = wizard_of(request, pk)
    if (there := queue.requested_before(person(request.user), sent_token(request.POST))) is not None:
        return redirect("job", pk=there.pk)
    if not wizard.target:
        return redirect(wizard.address("destination"))
    if request.method == "POST" and wizard.of_one and (answer := _of_one(wizard)) is not None:
        return answer
    if request.method == "POST" and LEAVE_OUT in request.POST:
        wizard.save({**wizard.draft.asked, DAMAGED: LEAVE_OUT})
        return redirect(wizard.address("review"))
    errors: list[tuple[str, str]] = []
    rehearsed: Job | None = None
    shows = request.method == "GET" or bool(getattr(request, "htmx", False))
    try:
        if not shows and "check" not in request.POST:
            return redirect("job", pk=_request(wizard).pk)
        rehearsed = _rehearsed(wizard)
    except WITH_PAGES:
        raise
    except CoursekeepError as error:
        errors = [("", error.sentence())]
    if not shows and not errors:
        return redirect(wizard.address("review"))
    resolved = wizard.resolve(wizard.draft.asked)
    items = items_of_archive(wizard.manifest)
    context = wizard.context(
        "review",
        errors=errors,
        groups=forms.option_groups(resolved),
        checks=review_page.checks(rehearsed, stopped=bool(errors)),
        nodes=forms.tree(items, resolved),
        chosen=forms.chosen(items, wizard.selection(resolved)),
    )
    context |= _shown_of_one(wizard, resolved)
    return render(request, "restore/review.html", context)


def _request(wizard: Wizard) -> Job:
    """Request the restore of a wizard, and end the rehearsals of the archive. Raises as `request_restore` does."""
    by = person(wizard.request.user)
    job = services.request_restore(
        wizard.archive,
        by=by,
        target=wizard.target,
        options=wizard.draft.asked,
        token=sent_token(wizard.request.POST),
    )
    rehearsal_jobs.stop(wizard.archive, by=by)
    wizard.draft.requested(job.pk)
    return job


def _rehearsed(wizard: Wizard) -> Job | None:
    """Return the rehearsal of a wizard's choices. A page that fetches itself again to see how far it is requests none."""
    by = person(wizard.request.user)
    wanted = rehearsal_jobs.rehearsable(
        wizard.archive, by=by, target=wizard.target, options=wizard.draft.asked
    )
    if "check" in wizard.request.POST:
        rehearsal_jobs.forget(wanted)
    if review_page.WAITING in wizard.request.GET:
        return rehearsal_jobs.find(wanted)
    return rehearsal_jobs.ask(wanted)


def _of_one(wizard: Wizard) -> HttpResponse | None:
    """Save the options of one activity, which stand on the page of the review; return an answer if it cannot start yet.

    The check on the page is that of the saved options. With others the page is shown again, with a check of them.
    """
    form, before = wizard.request.POST, dict(wizard.draft.asked)
    items = items_of_archive(wizard.manifest)
    asked = {**before, **forms.asked_on_one_page(form, items, wizard.resolve(before))}
    resolved = wizard.resolve(asked)
    errors = wizard.save(asked)
    if "back" in form:
        return redirect(wizard.address("destination"))
    if errors:
        checks = review_page.checks(None, stopped=True)
        context = wizard.context("review", errors=errors, checks=checks, groups=forms.option_groups(resolved))
        return render(wizard.request, "restore/review.html", context | _shown_of_one(wizard, resolved))
    if getattr(wizard.request, "htmx", False):
        return None
    if "bulk" in form or forms.searches(form):
        return redirect(forms.same_tree(wizard.address("review"), form))
    if form.get("go") == "checked" and wizard.draft.asked != before:
        messages.info(wizard.request, "The choices have changed, so the restore is checked again.")
        return redirect(wizard.address("review"))
    return None


def _shown_of_one(wizard: Wizard, resolved: Settings) -> dict[str, object]:
    """Return the variables of the options of one activity on the page of the review."""
    if not wizard.of_one:
        return {"of_one": False}
    text = forms.search_of(wizard.request.GET)
    tree = forms.tree_context(items_of_archive(wizard.manifest), wizard.selection(resolved), text)
    return {"of_one": True, "beside": "#checks,#review-actions", **tree}
