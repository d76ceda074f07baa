"""The administrator's pages of the audit trail: search, and export."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from archive.errors import UsageError
from audit.actions import ACTIONS
from audit.models import AuditEntry
from audit.search import EXPORTS, AuditFilter, read_filter
from audit.trail import record
from courses.accounts import person, require_administrator
from courses.paging import AFTER, BEFORE, KeyPage, key_page

PAGE = 50


@login_required
@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """Show the entries of the audit trail that match the form, newest first."""
    require_administrator(request.user)
    errors: list[tuple[str, str]] = []
    entries: KeyPage[AuditEntry] = KeyPage(())
    chosen = AuditFilter()
    try:
        chosen = read_filter(request.GET)
        entries = key_page(chosen.entries(), request.GET, size=PAGE, order=("-pk",))
    except UsageError as error:
        errors = [("", error.sentence())]
    query = request.GET.copy()
    for name in (AFTER, BEFORE):
        query.pop(name, None)
    context = {
        "entries": entries,
        "query": query.urlencode(),
        "given": request.GET,
        "actions": list(ACTIONS.values()),
        "outcomes": AuditEntry.Outcome.choices,
        "exports": list(EXPORTS),
        "errors": errors,
        "crumbs": [("/administration/", "Administration")],
    }
    return render(request, "vault/audit.html", context, status=400 if errors else 200)


@login_required
@require_GET
def export(request: HttpRequest, form: str) -> StreamingHttpResponse:
    """Send all entries that match, as a file in the format that the address names. The export is recorded itself."""
    require_administrator(request.user)
    if form not in EXPORTS:
        raise UsageError(
            f"“{form[:20]}” is no format of an export.", hint=f"Choose one of {', '.join(EXPORTS)}."
        )
    chosen = read_filter(request.GET)
    given: dict[str, Any] = {
        name: request.GET[name] for name in AuditFilter.__dataclass_fields__ if request.GET.get(name)
    }
    record("audit-exported", by=person(request.user), subject="audit", form=form, filter=given)
    lines, media_type = EXPORTS[form]
    answer = StreamingHttpResponse(lines(chosen.stream()), content_type=media_type)
    answer["Content-Disposition"] = f'attachment; filename="audit-{timezone.now():%Y%m%d}.{form}"'
    return answer
