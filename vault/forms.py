"""The form of a schedule, limited to the courses and categories that the person may back up."""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings

from courses.capabilities import categories_where, courses_where, may
from courses.models import Course
from vault.catalogue import category_choices
from vault.models import Schedule

BACK_UP = "moodle/backup:backupcourse"
DAYS = (
    (0, "Monday"),
    (1, "Tuesday"),
    (2, "Wednesday"),
    (3, "Thursday"),
    (4, "Friday"),
    (5, "Saturday"),
    (6, "Sunday"),
)
PEOPLE = (
    ("with", "With people and their work", {"users": "1", "anonymize": "0"}),
    ("anonymous", "With people, made anonymous", {"users": "1", "anonymize": "1"}),
    ("without", "Without people", {"users": "0"}),
)


if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[Schedule]
else:
    _ModelForm = forms.ModelForm  # which takes no parameter at run time


class ScheduleForm(_ModelForm):
    """The form of a schedule: courses, times, people, and how many archives are retained."""

    weekdays = forms.TypedMultipleChoiceField(
        choices=DAYS, coerce=int, error_messages={"required": "Choose at least one day of the week."}
    )
    time = forms.TimeField(
        error_messages={
            "required": "Enter the time of day, such as 02:30.",
            "invalid": "Enter the time as 02:30.",
        }
    )
    timezone = forms.ChoiceField()
    people = forms.ChoiceField(choices=[(value, title) for value, title, _options in PEOPLE])
    category = forms.TypedChoiceField(required=False, coerce=int, empty_value=None)
    courses = forms.ModelMultipleChoiceField(
        queryset=Course.objects.none(),
        required=False,
        error_messages={"invalid_choice": "You may not back up one of the chosen courses. Choose again."},
    )

    class Meta:
        model = Schedule
        fields = (
            "name",
            "enabled",
            "scope",
            "courses",
            "weekdays",
            "timezone",
            "keep_count",
            "skip_unchanged",
        )
        error_messages = {
            "name": {"required": "Give the schedule a name, such as “Every night”."},
            "keep_count": {
                "required": "Enter how many archives of each course stay; 0 keeps all.",
                "invalid": "Enter a whole number, such as 7; 0 keeps all.",
                "min_value": "Enter 0 (keeps all) or more.",
            },
        }

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        everywhere = BACK_UP in may(user, None)
        courses = self.fields["courses"]
        assert isinstance(courses, forms.ModelMultipleChoiceField)
        courses.queryset = courses_where(user, BACK_UP).order_by("fullname")
        allowed_in = set(categories_where(user, BACK_UP).values_list("pk", flat=True))
        categories = [(pk, title) for pk, title in category_choices() if pk in allowed_in]
        self._offer("category", [("", "Choose a category"), *categories])
        zones = sorted(zoneinfo.available_timezones())
        self._offer("timezone", [(zone, zone.replace("_", " ")) for zone in zones])
        allowed = {"list"} | ({"category"} if categories else set()) | ({"all"} if everywhere else set())
        self._offer("scope", [choice for choice in Schedule.Scope.choices if choice[0] in allowed])
        self._begin(allowed)

    def _offer(self, name: str, choices: Sequence[tuple[Any, Any]]) -> None:
        """Set the choices of a field."""
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def _begin(self, allowed: set[str]) -> None:
        """Set the initial values of the form."""
        schedule = self.instance
        self.initial.setdefault("time", f"{schedule.hour:02d}:{schedule.minute:02d}")
        self.initial["category"] = schedule.category_id
        self.initial["people"] = _people_of(schedule.options)
        if schedule._state.adding:
            self.initial["weekdays"] = [0, 1, 2, 3, 4]
            self.initial["timezone"] = settings.TIME_ZONE
            self.initial["scope"] = next(scope for scope in ("all", "category", "list") if scope in allowed)

    def clean(self) -> dict[str, Any]:
        """Require courses for the scope "list", and a category for the scope "category"."""
        cleaned = super().clean() or {}
        if (
            cleaned.get("scope") == Schedule.Scope.LIST
            and not cleaned.get("courses")
            and "courses" not in self.errors
        ):
            self.add_error("courses", "Choose at least one course.")
        if cleaned.get("scope") == Schedule.Scope.CATEGORY and not cleaned.get("category"):
            self.add_error("category", "Choose the category whose courses are backed up.")
        return cleaned

    def _post_clean(self) -> None:
        cleaned = self.cleaned_data
        if cleaned.get("time") is not None:
            self.instance.hour, self.instance.minute = cleaned["time"].hour, cleaned["time"].minute
        wanted = cleaned.get("scope") == Schedule.Scope.CATEGORY
        self.instance.category_id = cleaned.get("category") if wanted else None
        if "people" in cleaned:
            others = {
                name: value
                for name, value in self.instance.options.items()
                if name not in ("users", "anonymize")
            }
            chosen = next(options for value, _title, options in PEOPLE if value == cleaned["people"])
            self.instance.options = {**others, **chosen}
        # Django's hook between the form's own checks and the model's, which its stubs leave out.
        super()._post_clean()  # type: ignore[misc]

    def save(self, commit: bool = True) -> Schedule:
        """Save the schedule; a new one belongs to the person who made it."""
        if self.instance.owner_id is None:
            self.instance.owner = self.user
        return super().save(commit)

    def add_error(self, field: str | None, error: Any) -> None:
        """Add an error, but only once if both the form and the model report it."""
        if isinstance(error, forms.ValidationError) and hasattr(error, "error_dict"):
            error = forms.ValidationError(
                {name: found for name, found in error.error_dict.items() if name not in self.errors}
            )
        super().add_error(field, error)

    def problems(self) -> list[tuple[str, str]]:
        """Return (field id, sentence) of all errors, for the summary at the top."""
        found = []
        for name, errors in self.errors.items():
            field = f"id_{name}" if name in self.fields else ""
            if name == "weekdays":
                field = "id_weekdays_0"
            found += [(field, str(error)) for error in errors]
        return found


def _people_of(options: dict[str, Any]) -> str:
    if options.get("users", "1") in ("0", 0, False):
        return "without"
    return "anonymous" if options.get("anonymize", "0") in ("1", 1, True) else "with"
