"""The template tag of the main navigation, with the number of jobs under way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import template
from django.urls import reverse

from jobs import catalogue
from jobs.form_tokens import token_field

register = template.Library()

register.simple_tag(token_field, name="form_token")


@dataclass(frozen=True, slots=True)
class NavigationEntry:
    """One entry of the main navigation; `short` is its title on a phone, `count` the number of jobs under way."""

    title: str
    short: str
    symbol: str
    address: str
    current: bool
    count: int = 0


# Title, the word for a phone, icon, name of the address, and the paths that belong to it.
PLACES = (
    ("Courses", "Courses", "courses", "courses", ("/course/", "/activity/", "/section/", "/backup/")),
    ("Archives", "Archives", "archive", "archives", ("/archives/",)),
    ("Restore", "Restore", "restore", "restore", ("/restore/",)),
    ("Jobs", "Jobs", "jobs", "jobs", ("/jobs/",)),
    ("Schedules", "Schedules", "schedules", "schedules", ("/schedules/",)),
    ("Administration", "Admin", "admin", "administration", ("/administration/",)),
)


@register.inclusion_tag("components/main_nav.html", takes_context=True)
def main_nav(context: template.Context) -> dict[str, Any]:
    """Return the template variables of the main navigation, with the current entry marked."""
    request = context["request"]
    user = request.user
    under_way = catalogue.under_way(user)
    places = []
    for title, short, symbol, name, paths in PLACES:
        if name == "administration" and not user.is_superuser:
            continue
        address = reverse(name)
        here = request.path == address or request.path.startswith(paths)
        places.append(
            NavigationEntry(title, short, symbol, address, here, under_way if name == "jobs" else 0)
        )
    return {"places": places}
