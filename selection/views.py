"""The administrator's page for the defaults and locks of options."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from archive.errors import UsageError
from courses.accounts import require_administrator
from selection.models import OptionDefault
from selection.option import Operation
from selection.settings import value_text
from selection.table import options_for
from selection.values import parse_value

OPERATIONS: tuple[tuple[Operation, str], ...] = (("backup", "Backups"), ("restore", "Restores"))


FREE = frozenset({"filename", "course_fullname", "course_shortname", "course_startdate"})
"""Options whose value belongs to one course, so that a default for the site makes no sense."""


@login_required
@require_http_methods(["GET", "POST"])
def options(request: HttpRequest) -> HttpResponse:
    """Show and save the site's defaults and locks of options."""
    require_administrator(request.user)
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        errors = _save(request)
        if not errors:
            messages.success(
                request,
                "The defaults and locks were saved. They apply to every backup and restore from now on.",
            )
            return redirect("administration-options")
    rows = {(row.operation, row.name): row for row in OptionDefault.objects.all()}
    groups = []
    for operation, title in OPERATIONS:
        lines = []
        for option in options_for(operation):
            use = option.use(operation)
            if option.level != "root" or option.name in FREE or use is None:
                continue
            row = rows.get((operation, option.name))
            value = parse_value(option, option.name, row.value) if row else use.default
            lines.append(
                {
                    "option": option,
                    "field": f"{operation}-{option.name}",
                    "value": value,
                    "default": use.default,
                    "locked": bool(row and row.locked),
                    "changed": row is not None,
                }
            )
        groups.append((title, operation, lines))
    context = {"groups": groups, "errors": errors, "crumbs": [("/administration/", "Administration")]}
    return render(request, "selection/options.html", context, status=400 if errors else 200)


def _save(request: HttpRequest) -> list[tuple[str, str]]:
    """Save the submitted defaults and locks; return (field, sentence) for invalid values. Only departures get a row."""
    wanted: list[OptionDefault] = []
    for operation, _title in OPERATIONS:
        for option in options_for(operation):
            use = option.use(operation)
            if option.level != "root" or option.name in FREE or use is None:
                continue
            field = f"{operation}-{option.name}"
            raw = request.POST.get(field, "0" if option.kind == "switch" else value_text(use.default))
            try:
                value = parse_value(option, option.name, raw)
            except UsageError as error:
                return [(field, error.sentence())]
            locked = f"{field}-locked" in request.POST
            if locked or value != use.default:
                wanted.append(
                    OptionDefault(
                        operation=operation, name=option.name, value=value_text(value), locked=locked
                    )
                )
    with transaction.atomic():
        OptionDefault.objects.all().delete()
        OptionDefault.objects.bulk_create(wanted)
    return []
