"""The administrator's page for the defaults and locks of options, one preset at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from archive.errors import UsageError
from audit.trail import record
from courses.accounts import person, require_administrator
from selection.models import OptionDefault
from selection.option import Operation, Option, Value
from selection.presets import PRESETS, Preset, preset_options
from selection.settings import SiteDefault, value_text
from selection.values import parse_value

OPERATIONS: tuple[tuple[Operation, str], ...] = (("backup", "Backups"), ("restore", "Restores"))
Rows = dict[tuple[str, str], SiteDefault]


@dataclass(frozen=True, slots=True)
class OptionLine:
    """One option of a preset on the page. `default` applies without a row of the preset; `fixed` is why nobody sets it."""

    operation: Operation
    option: Option
    value: Value
    default: Value
    locked: bool
    changed: bool
    fixed: str

    @property
    def field(self) -> str:
        """The name of the form's field."""
        return f"{self.operation}-{self.option.name}"

    @property
    def choices(self) -> tuple[tuple[str, str], ...]:
        """The values that can be chosen, each with its label."""
        return (("1", "On"), ("0", "Off")) if self.option.kind == "switch" else self.option.choices

    @property
    def text(self) -> str:
        """The value as the form sends it."""
        return value_text(self.value)

    @property
    def label(self) -> str:
        """The value in words."""
        return dict(self.choices).get(self.text, self.text)


@login_required
@require_http_methods(["GET", "POST"])
def options(request: HttpRequest) -> HttpResponse:
    """Show and save the site's defaults and locks of options in one preset."""
    require_administrator(request.user)
    name = request.GET.get("preset", "general")
    preset = next((one for one in PRESETS.values() if one.name == name), None)
    if preset is None:
        raise Http404("There is no such preset.")
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        errors = _save(request, preset)
        if not errors:
            saved = f"The defaults and locks of “{preset.title}” were saved. They apply from now on."
            messages.success(request, saved)
            return redirect(f"{reverse('administration-options')}?preset={preset.name}")
    lines = list(_lines(preset))
    groups = [
        (title, operation, [line for line in lines if line.operation == operation])
        for operation, title in OPERATIONS
        if operation in preset.operations
    ]
    context = {
        "presets": list(PRESETS.values()),
        "preset": preset,
        "groups": groups,
        "errors": errors,
        "crumbs": [("/administration/", "Administration")],
    }
    return render(request, "selection/options.html", context, status=400 if errors else 200)


def _lines(preset: Preset) -> Iterator[OptionLine]:
    """Yield the lines of a preset with the values that hold now."""
    general, own = _rows("general"), _rows(preset.name)
    for operation, option in preset_options(preset):
        default = _default(preset, operation, option, general)
        row = own.get((operation, option.name))
        fixed = preset.fixed.get(option.name)
        value = parse_value(option, option.name, row.value) if row else default
        yield OptionLine(
            operation,
            option,
            value=fixed.value if fixed else value,
            default=default,
            locked=row.locked if row else False,
            changed=row is not None,
            fixed=fixed.reason if fixed else "",
        )


def _rows(name: str) -> Rows:
    """Return the saved defaults of one preset, by operation and name."""
    rows = OptionDefault.objects.filter(preset=name)
    return {(row.operation, row.name): SiteDefault(row.value, row.locked) for row in rows}


def _default(preset: Preset, operation: Operation, option: Option, general: Rows) -> Value:
    """Return the default of an option in a preset that has no row of its own for it."""
    if option.name in preset.defaults:
        return preset.defaults[option.name]
    use = option.use(operation)
    assert use is not None
    row = general.get((operation, option.name)) if preset.inherits else None
    return parse_value(option, option.name, row.value) if row else use.default


def _save(request: HttpRequest, preset: Preset) -> list[tuple[str, str]]:
    """Save the submitted defaults and locks; return (field, sentence) for invalid values. Only departures get a row."""
    wanted: list[OptionDefault] = []
    for line in _lines(preset):
        if line.fixed:
            continue
        unsaid: Any = "0" if line.option.kind == "switch" else value_text(line.default)
        raw = request.POST.get(line.field, unsaid)
        try:
            value = parse_value(line.option, line.option.name, raw)
        except UsageError as error:
            return [(line.field, error.sentence())]
        if line.option.kind != "switch" and value not in dict(line.option.choices):
            return [(line.field, f"Choose one of the values of “{line.option.label}”.")]
        locked = f"{line.field}-locked" in request.POST
        if locked or value != line.default:
            wanted.append(
                OptionDefault(
                    preset=preset.name,
                    operation=line.operation,
                    name=line.option.name,
                    value=value_text(value),
                    locked=locked,
                )
            )
    before = _rows(preset.name)
    with transaction.atomic():
        OptionDefault.objects.filter(preset=preset.name).delete()
        OptionDefault.objects.bulk_create(wanted)
        after = _rows(preset.name)
        if changed := sorted(
            key for key in before.keys() | after.keys() if before.get(key) != after.get(key)
        ):
            record(
                "defaults-changed",
                by=person(request.user),
                subject="preset",
                title=preset.title,
                changed={".".join(key): _change(before.get(key), after.get(key)) for key in changed},
            )
    return []


def _change(before: SiteDefault | None, after: SiteDefault | None) -> list[str]:
    """Return a default before and after a change, in words; "" where the preset has none of its own."""
    return [
        f"{row.value}{', locked' if row.locked else ''}" if row is not None else "" for row in (before, after)
    ]
