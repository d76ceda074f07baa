"""The form of a schedule, limited to the courses and categories that the person may back up."""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from django import forms
from django.conf import settings
from django.db.models import Q, QuerySet
from django.forms.utils import ErrorDict

from archive.numbers import whole_or
from courses.capabilities import categories_where, courses_where, may
from courses.models import Category, Course
from courses.paging import Counted, counted
from courses.services import course_named
from selection.table import ROOT
from vault.catalogue import below, category_choices
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
LISTS = ((Schedule.Scope.CATEGORY, "category"), (Schedule.Scope.LIST, "courses"))
"""The scopes that have a list to choose from, with the list's field."""
SCOPE_OF = {name: scope.value for scope, name in LISTS}
BOTH = "A category is chosen and courses are ticked. Choose which of the two the schedule backs up."
RIGHTS = {
    "with": ("moodle/backup:userinfo",),
    "anonymous": ("moodle/backup:userinfo", "moodle/backup:anonymise"),
    "without": (),
}
"""The rights that each choice about people takes in a course, beside that to back it up."""

NAMED = 3
"""So many courses are named in an error, the others are counted."""

OFFERED = 200
"""Courses that the form lists beside those that are ticked, at most."""


@dataclass(frozen=True, slots=True)
class OfferedCourses:
    """The courses that a form lists, the number of all, whether more match the search, and what is searched for."""

    courses: Sequence[Course]
    number: Counted
    more: bool
    search: str
    most: int = OFFERED

    @property
    def searchable(self) -> bool:
        """Whether there is a search: not all courses are listed without one."""
        return self.more or bool(self.search)


PEOPLE_CHOICES = [(value, title) for value, title, _options in PEOPLE]

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
    window_hours = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=168,
        error_messages={
            "invalid": "Enter whole hours, such as 6; 0 means until all is done.",
            "min_value": "Enter 0 (until all is done) or more hours.",
            "max_value": "Enter 168 hours (a week) or fewer; 0 means until all is done.",
        },
    )
    people = forms.ChoiceField(
        choices=PEOPLE_CHOICES,
        error_messages={
            "invalid_choice": "The owner of the schedule may not take people and their work from any course. "
            "Choose “Without people”."
        },
    )
    moodle = forms.ChoiceField(required=False, choices=ROOT["moodle"].choices)
    scope = forms.ChoiceField(required=False)
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
            "window_hours",
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
        # The backups are made with the rights of the schedule's owner, whoever fills the form in.
        self.owner = self.instance.owner or user
        everywhere = BACK_UP in may(self.owner, None)
        courses = self.fields["courses"]
        assert isinstance(courses, forms.ModelMultipleChoiceField)
        courses.queryset = courses_where(self.owner, BACK_UP).order_by("fullname")
        allowed_in = set(categories_where(self.owner, BACK_UP).values_list("pk", flat=True))
        categories = [(pk, title) for pk, title in category_choices() if pk in allowed_in]
        self._offer("category", [("", "Choose a category"), *categories])
        zones = sorted(zoneinfo.available_timezones())
        self._offer("timezone", [(zone, zone.replace("_", " ")) for zone in zones])
        allowed = {"list"} | ({"category"} if categories else set()) | ({"all"} if everywhere else set())
        self._offer("scope", [choice for choice in Schedule.Scope.choices if choice[0] in allowed])
        self.allowed_people = people_allowed(self.owner)
        self._offer("people", [one for one in PEOPLE_CHOICES if self.allowed_people[one[0]] != "nowhere"])
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
        self.initial["moodle"] = schedule.options.get("moodle", "")
        wanted = people_choice(schedule.options)
        enough = {"everywhere"} if schedule._state.adding else {"everywhere", "somewhere"}
        self.initial["people"] = wanted if self.allowed_people[wanted] in enough else "without"
        if schedule._state.adding:
            self.initial["weekdays"] = [0, 1, 2, 3, 4]
            self.initial["timezone"] = settings.TIME_ZONE
            # Only where there is one answer is it given beforehand.
            self.initial["scope"] = next(iter(allowed)) if len(allowed) == 1 else ""

    def clean_window_hours(self) -> int:
        """Return the hours; 0 if the field is empty."""
        return self.cleaned_data.get("window_hours") or 0

    def clean(self) -> dict[str, Any]:
        """Require the courses to be said once: a list or a category that is chosen without its scope implies it.

        A scope that contradicts what is chosen in one of the lists is refused, as is saying nothing.
        """
        cleaned = super().clean() or {}
        if {"scope", "courses", "category"} & set(self.errors):
            return cleaned
        chosen = [name for scope, name in LISTS if cleaned.get(name)]
        scope = cleaned.get("scope") or (SCOPE_OF[chosen[0]] if len(chosen) == 1 else "")
        contradicting = [name for name in chosen if SCOPE_OF[name] != scope]
        if not scope:
            self.add_error("scope", BOTH if chosen else "Choose which courses the schedule backs up.")
        elif contradicting:
            self.add_error("scope", self._contradiction(scope, contradicting[0], cleaned))
        elif scope == Schedule.Scope.LIST and not chosen:
            self.add_error("courses", "Choose at least one course.")
        elif scope == Schedule.Scope.CATEGORY and not chosen:
            self.add_error("category", "Choose the category whose courses are backed up.")
        cleaned["scope"] = scope
        return cleaned

    def _contradiction(self, scope: str, name: str, cleaned: dict[str, Any]) -> str:
        """Return the sentence for a scope beside a list that says something else."""
        titles = dict(Schedule.Scope.choices)
        if name == "courses":
            number = len(cleaned["courses"])
            ticked = f"{number} course{'' if number == 1 else 's'} {'is' if number == 1 else 'are'} ticked"
        else:
            ticked = "A category is chosen"
        undo = "untick the courses" if name == "courses" else "set the category to “Choose a category”"
        said, meant = titles[scope].capitalize(), titles[SCOPE_OF[name]].capitalize()
        return f"{ticked}, and “{said}” is chosen as well. Choose “{meant}”, or {undo}."

    def _post_clean(self) -> None:
        cleaned = self.cleaned_data
        if cleaned.get("time") is not None:
            self.instance.hour, self.instance.minute = cleaned["time"].hour, cleaned["time"].minute
        if "moodle" in self.data and "moodle" in cleaned:
            asked = {"moodle": cleaned["moodle"]} if cleaned["moodle"] else {}
            rest = {name: value for name, value in self.instance.options.items() if name != "moodle"}
            self.instance.options = {**rest, **asked}
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
            self._check_people(cleaned)
        # Django's hook between the form's own checks and the model's, which its stubs leave out.
        super()._post_clean()  # type: ignore[misc]

    def _check_people(self, cleaned: dict[str, Any]) -> None:
        """Add an error if the owner may not back up people in all courses that the schedule covers now."""
        if cleaned["people"] == "without":
            return
        missing = without_right(self.owner, cleaned["people"], self._covered(cleaned))
        names = list(missing.order_by("fullname").values_list("fullname", flat=True)[:NAMED])
        if not names:
            return
        more = missing.count() - len(names)
        said = ", ".join(f"“{name}”" for name in names) + (f" and {more:,} more" if more else "")
        who = "You" if self.owner == self.user else str(self.owner)
        self.add_error(
            "people",
            f"{who} may not take people and their work from {said}. "
            "Choose “Without people”, or leave these courses out.",
        )

    def _covered(self, cleaned: dict[str, Any]) -> QuerySet[Course]:
        """Return the courses that the schedule would cover; none while the form does not say which."""
        scope, chosen = cleaned.get("scope"), cleaned.get("courses")
        if scope == Schedule.Scope.LIST:
            return Course.objects.filter(pk__in=[course.pk for course in chosen or []])
        if scope == Schedule.Scope.CATEGORY:
            category = Category.objects.filter(pk=cleaned.get("category") or 0).first()
            return Course.objects.filter(category__in=below(category) if category else [])
        return Course.objects.all() if scope == Schedule.Scope.ALL else Course.objects.none()

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

    def searches(self) -> bool:
        """Whether the form was sent to search the courses: by the button, or by the Enter key after the search was changed."""
        by_key = "go" not in self.data and self.data.get("course_search", "") != self.data.get(
            "course_searched", ""
        )
        return "find" in self.data or by_key

    def without_check(self) -> ScheduleForm:
        """Return this form with what was sent and no errors: it was sent to search the courses, not to be saved."""
        self._errors = ErrorDict()
        self.cleaned_data = {}
        return self

    def offered(self) -> OfferedCourses:
        """Return the courses that the form lists: those that are ticked, and the first others that match the search."""
        field = self.fields["courses"]
        assert isinstance(field, forms.ModelMultipleChoiceField)
        courses = field.queryset
        assert courses is not None
        ticked = [whole_or(str(getattr(one, "pk", one))) for one in self["courses"].value() or []]
        search = self.data.get("course_search", "").strip()[:200]
        found = courses.exclude(pk__in=ticked)
        if search:
            found = found.filter(course_named(search))
        others = list(found[: OFFERED + 1])
        return OfferedCourses(
            (*courses.filter(pk__in=ticked), *others[:OFFERED]),
            counted(courses),
            len(others) > OFFERED,
            search,
        )

    def numbers(self) -> dict[str, int]:
        """Return the number of courses by scope, for those whose number does not depend on a list."""
        offered = {value for value, _title in self.fields["scope"].choices}  # type: ignore[attr-defined]
        return {"all": Course.objects.count()} if "all" in offered else {}

    def problems(self) -> list[tuple[str, str]]:
        """Return (field id, sentence) of all errors, for the summary at the top."""
        found = []
        for name, errors in self.errors.items():
            field = f"id_{name}" if name in self.fields else ""
            if name == "weekdays":
                field = "id_weekdays_0"
            found += [(field, str(error)) for error in errors]
        return found


def people_allowed(owner: Any) -> dict[str, Literal["everywhere", "somewhere", "nowhere"]]:
    """Return for each choice about people in how many of the owner's courses the owner may make it."""
    courses = courses_where(owner, BACK_UP)
    found: dict[str, Literal["everywhere", "somewhere", "nowhere"]] = {}
    for choice in RIGHTS:
        missing = without_right(owner, choice, courses)
        if not missing.exists():
            found[choice] = "everywhere"
        else:
            found[choice] = (
                "somewhere" if courses.exclude(pk__in=missing.values("pk")).exists() else "nowhere"
            )
    return found


def without_right(owner: Any, choice: str, courses: QuerySet[Course]) -> QuerySet[Course]:
    """Return those of the courses in which the owner lacks a right that the choice about people takes."""
    lacking = Q(pk__in=[])
    for right in RIGHTS[choice]:
        lacking |= ~Q(pk__in=courses_where(owner, right).values("pk"))
    return courses.filter(lacking)


def people_choice(options: dict[str, Any]) -> str:
    """Return the choice about people that a schedule's options stand for: with, anonymous or without."""
    if options.get("users", "1") in ("0", 0, False):
        return "without"
    return "anonymous" if options.get("anonymize", "0") in ("1", 1, True) else "with"
