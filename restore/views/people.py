"""Page of the restore wizard: who people in conflict are here, and which roles people get."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from archive.errors import CoursekeepError, NotAllowed, UsageError
from courses.accounts import person
from jobs import queue
from jobs.form_requests import WITH_PAGES
from jobs.models import Job
from restore import people_jobs, people_page, rehearsal_jobs, services
from restore.found_people import FoundPeople
from restore.match.decisions import ALL_OTHERS, PersonDecision, decisions_text, in_one_line, require_user_name
from restore.people_page import Conflict, PeoplePage, RoleRow
from restore.remembered_roles import remember, remembered
from restore.request import RestoreRequest
from restore.views.waiting import waits_for
from restore.views.wizard import SHOW, Wizard, wizard_of

Errors = list[tuple[str, str]]


@login_required
@require_http_methods(["GET", "POST"])
def people(request: HttpRequest, pk: int) -> HttpResponse:
    """Stage 5: people in conflict and the roles of the archive. Goes on to the review if nobody has to decide."""
    wizard = wizard_of(request, pk)
    if not wizard.target:
        return redirect(wizard.address("destination"))
    comes = wizard.people_come
    if request.method == "GET" and SHOW not in request.GET and not comes:
        return redirect(wizard.address("review"))
    try:
        found = FoundPeople()
        if comes:
            job = _job(wizard)
            page = wizard.context("people")
            if (
                waiting := waits_for(request, job, template="restore/people_wait.html", context=page)
            ) is not None:
                return waiting
            looked = people_jobs.found_by(job)
            if looked is None:
                # The review says what is wrong with the archive; the next visit looks again.
                queue.forget(job)
                return redirect(wizard.address("review"))
            found = looked
        return _answer(wizard, found, comes=comes)
    except WITH_PAGES:
        raise
    except CoursekeepError:
        # The review says what is wrong with the choices before.
        return redirect(wizard.address("review"))


def _job(wizard: Wizard) -> Job:
    """Return the job that finds the people for the choices of a wizard; request it if there is none.

    What was sent is about what the page has shown, however long ago the job was.
    """
    by = person(wizard.request.user)
    wanted = people_jobs.wanted(wizard.archive, by=by, target=wizard.target, options=wizard.draft.asked)
    shown = queue.requested_before(by, wanted.key) if wizard.request.method == "POST" else None
    return shown or rehearsal_jobs.ask(wanted)


def _answer(wizard: Wizard, found: FoundPeople, *, comes: bool) -> HttpResponse:
    """Return the answer to a request for the page of people who were found."""
    request = wizard.request
    _propose_roles(wizard, found)
    shown = _page_of(wizard, found)
    roles = shown.roles()
    if request.method == "GET" and SHOW not in request.GET:
        wizard.draft.facts[SHOW] = bool(shown.undecided or any(role.lost for role in roles))
        wizard.draft.save()
        if not wizard.draft.facts[SHOW]:
            return redirect(wizard.address("review"))
    page = Paginator(found.conflicts, people_page.PER_PAGE).get_page(request.GET.get("page"))
    rows = shown.rows(list(page.object_list))
    errors: Errors = []
    if request.method == "POST":
        errors = _save(wizard, shown, rows, roles)
        if not errors:
            return redirect(_following(wizard, page))
        rows = [as_sent(row, request.POST) for row in rows]
        roles = _page_of(wizard, found).roles()
    return _shown(wizard, found, page, rows, roles, errors, comes=comes)


def _shown(
    wizard: Wizard,
    found: FoundPeople,
    page: Page[Any],
    rows: Sequence[Conflict],
    roles: Sequence[RoleRow],
    errors: Errors,
    *,
    comes: bool,
) -> HttpResponse:
    """Return the page."""
    variables = wizard.context(
        "people",
        errors=errors,
        faults=dict(errors),
        comes=comes,
        found=found,
        rows=rows,
        roles=roles,
        page=page,
        older="Next people",
        newer="People before",
    )
    return render(wizard.request, "restore/people.html", variables, status=400 if errors else 200)


def as_sent(row: Conflict, form: Mapping[str, Any]) -> Conflict:
    """Return the row with what the form says of it, right or wrong."""
    chosen = next((one for one in row.choices if one == form.get(f"choice-{row.key}")), None)
    name = str(form.get(f"name-{row.key}", "")).strip() if chosen == "new" else ""
    return replace(row, decision=PersonDecision(chosen, name) if chosen else None)


def _page_of(wizard: Wizard, found: FoundPeople, *, strict: bool = False) -> PeoplePage:
    """Return the page for the choices so far. With `strict` it raises UsageError or NotAllowed for choices that cannot be."""
    by = person(wizard.request.user)
    request = RestoreRequest(wizard.archive, by, wizard.target, wizard.draft.asked, strict=strict)
    choice = services.choose(wizard.manifest, request)
    return PeoplePage(by, wizard.manifest, choice, found)


def _propose_roles(wizard: Wizard, found: FoundPeople) -> None:
    """Choose the roles that the person chose for the last archive of the same site, as far as they can be chosen now."""
    if "roles" in wizard.draft.asked:
        return
    site_hash = wizard.manifest.original_site_identifier_hash
    before = remembered(person(wizard.request.user), site_hash)
    if not before:
        return
    rows = _page_of(wizard, found).roles()
    chosen = {row.shortname: before[row.shortname] for row in rows if row.shortname in before}
    possible = {row.shortname: {value for value, _ in row.options} for row in rows}
    chosen = {name: role for name, role in chosen.items() if role in possible[name]}
    if chosen:
        wizard.save({**wizard.draft.asked, "roles": _roles_text(chosen)})


def _following(wizard: Wizard, page: Page[Any]) -> str:
    """Return the address of the next people, or of the stage after the last of them."""
    if "all" in wizard.request.POST:
        return f"{wizard.address('people')}?{SHOW}=1"
    if page.has_next():
        return f"{wizard.address('people')}?{SHOW}=1&page={page.next_page_number()}"
    return wizard.address("review")


def _save(wizard: Wizard, shown: PeoplePage, rows: Sequence[Conflict], roles: Sequence[RoleRow]) -> Errors:
    """Save the choices of the form in the draft, and return the errors, each with the field that it is about."""
    form = wizard.request.POST
    decided, errors = decided_in_form(form, shown.decided, rows)
    chosen = _chosen_roles(form, roles)
    asked = {**wizard.draft.asked, "accounts": decisions_text(decided), "roles": _roles_text(chosen)}
    errors += wizard.save(asked)
    wizard.draft.facts[SHOW] = True
    wizard.draft.save()
    if errors:
        return errors
    try:
        now = _page_of(wizard, shown.found, strict=True)
        now.require_roles()
    except (NotAllowed, UsageError) as error:
        return [("", error.sentence())]
    keys = {row.key for row in rows}
    errors = [
        (f"person-{match.old_id}", f"{match.username}: {match.sentence}")
        for match in now.still_in_conflict()
        if match.old_id in keys and "all" not in form
    ]
    if not errors:
        values = {role.shortname: chosen.get(role.shortname, "") for role in roles}
        remember(person(wizard.request.user), wizard.manifest.original_site_identifier_hash, values)
    return errors


def decided_in_form(
    form: Mapping[str, Any], before: Mapping[str, PersonDecision], rows: Sequence[Conflict]
) -> tuple[dict[str, PersonDecision], Errors]:
    """Return all decisions about people, with those of the form, and the errors about these."""
    decided, errors = dict(before), Errors()
    for row in rows:
        choice = str(form.get(f"choice-{row.key}", ""))
        chosen = next((one for one in row.choices if one == choice), None)
        if form.get("all") == str(row.key) and chosen is not None:
            return {ALL_OTHERS: PersonDecision(chosen)}, []
        if chosen is None:
            errors.append((f"person-{row.key}", f"Choose who “{row.username}” is here."))
            continue
        name = str(form.get(f"name-{row.key}", "")).strip() if chosen == "new" else ""
        decision = PersonDecision(chosen, "" if name == row.suggested else name)
        try:
            if decision.username:
                require_user_name(decision.username)
        except UsageError as error:
            errors.append((f"person-{row.key}", f"{row.username}: {error.message} {error.hint}"))
            continue
        decided.pop(row.username, None)
        if decision != before.get(ALL_OTHERS):
            decided[row.username] = decision
    return decided, errors


def _chosen_roles(form: Mapping[str, Any], roles: Sequence[RoleRow]) -> dict[str, str]:
    """Return the chosen roles by the roles of the archive, without those that are matched by the rules."""
    found = {}
    for role in roles:
        chosen = str(form.get(f"role-{role.key}", ""))
        if chosen and chosen in {value for value, _ in role.options}:
            found[role.shortname] = chosen
    return found


def _roles_text(chosen: Mapping[str, str]) -> str:
    """Return choices as the option `roles` has them."""
    return in_one_line(f"{name}={role}" for name, role in chosen.items())
