"""Page: the people of an entry of the recycle bin who are in conflict with accounts here, and its return with decisions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from courses.accounts import person
from courses.models import User
from jobs.form_requests import Errors, job_or_errors
from jobs.form_tokens import sent_token
from restore.found_people import FoundPeople
from restore.match.decisions import decisions_text
from restore.origin import BRING_IN
from restore.people_page import PER_PAGE, PeoplePage
from restore.views.people import as_sent, decided_in_form
from transfer import looks, returns
from transfer.models import RemovedItem
from transfer.views.bins import bin_of, crumbs_of, seen
from transfer.views.waiting import shown_before, waits_for


@dataclass(frozen=True, slots=True)
class _Visit:
    """One request for the page: who asks, about which entry, and what the job has found in it."""

    request: HttpRequest
    by: User
    item: RemovedItem
    found: FoundPeople

    @property
    def key(self) -> str:
        """The key of the decisions so far in the session: there may be several pages of people."""
        return f"bin-people-{self.item.pk}"

    @property
    def accounts(self) -> str:
        """The decisions so far, as the option of that name."""
        return str(self.request.session.get(self.key, ""))

    def people(self) -> PeoplePage:
        """Return the people with the decisions so far."""
        return returns.people_page_of(self.item, self.found, by=self.by, accounts=self.accounts)

    def page(self) -> Page[Any]:
        """Return the people of the page that is asked for."""
        return Paginator(self.found.conflicts, PER_PAGE).get_page(self.request.GET.get("page"))


@login_required
@require_http_methods(["GET", "POST"])
def people(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the people of an entry who are in conflict with accounts here, and queue the return with what was decided."""
    item, by = seen(request, pk), person(request.user)
    returns.require_right(item, returns.BRING_BACK, by=by)
    looked = looks.ask(
        item.archive,
        by=by,
        title=item.title,
        rights=returns.rights(item, by),
        shown=shown_before(request),
        answered=request.method == "POST",
    )
    if (waiting := waits_for(request, looked, back=bin_of(item))) is not None:
        return waiting
    visit = _Visit(request, by, item, FoundPeople.from_json(looked.result))
    errors: Errors = []
    if request.method == "POST":
        answer, errors = _sent(visit)
        if answer is not None:
            return answer
    return _shown(visit, errors)


def _sent(visit: _Visit) -> tuple[HttpResponse | None, Errors]:
    """Save the decisions of the form; go on to the next people or, after the last, queue the return. Raises NotAllowed."""
    form, page = visit.request.POST, visit.page()
    now = visit.people()
    decided, errors = decided_in_form(form, now.decided, now.rows(list(page.object_list)))
    if errors:
        return None, errors
    accounts = decisions_text(decided)
    returns.require_decisions(visit.item, accounts, by=visit.by)
    visit.request.session[visit.key] = accounts
    if "all" in form:
        return redirect(visit.request.path), []
    if page.has_next():
        return redirect(f"{visit.request.path}?page={page.next_page_number()}"), []
    if left := visit.people().undecided:
        who = "1 person" if left == 1 else f"{left} people"
        return None, [("", f"Nobody has decided about {who}. Decide on the other pages, or for all at once.")]
    token = sent_token(form)
    job, errors = job_or_errors(
        lambda: returns.request_return(visit.item, by=visit.by, accounts=accounts, token=token)
    )
    if job is None:
        return None, errors
    del visit.request.session[visit.key]
    return redirect("job", pk=job.pk), []


def _shown(visit: _Visit, errors: Errors) -> HttpResponse:
    """Return the page."""
    item, page = visit.item, visit.page()
    rows = visit.people().rows(list(page.object_list))
    if errors:
        rows = [as_sent(row, visit.request.POST) for row in rows]
    course, back = item.archive.course, bin_of(item)
    context = {
        "item": item,
        "found": visit.found,
        "rows": rows,
        "may_decide": BRING_IN in returns.rights(item, visit.by),
        "page": page,
        "older": "Next people",
        "newer": "People before",
        "errors": errors,
        "back": back,
        "crumbs": [*(crumbs_of(course) if course else [("/", "Courses")]), (back, "Recycle bin")],
    }
    return render(visit.request, "transfer/bin_people.html", context, status=400 if errors else 200)
