"""Whereabouts: where on this site the addresses of Moodle's form lead, which stand in the texts of restored courses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape

from django.core.exceptions import ObjectDoesNotExist

from courses import activities
from courses.content import Content
from courses.fields import Within
from courses.models import Activity, Course, Section
from courses.structure import model_of_kind
from viewer.page_context import Desk
from viewer.panels import Spot
from viewer.presentation import forms

PARAMETER = re.compile(r"(\w+)=\$(\d)")


def whereabouts(modulename: str, script: str, query: Mapping[str, str]) -> Spot | None:
    """The place on this site of what an address such as /mod/forum/discuss.php?d=12 names; None when it is not here.

    A type's `links` say which kind of id each parameter is, and its form where records of that kind stand. Of several
    parameters the last one that leads somewhere counts, which is the nearest: a chapter, then its book.
    """
    for kind, number in reversed(_named(modulename, script, query)):
        owner = _owner(kind, number, modulename)
        if isinstance(owner, Course):
            return Spot(("course", owner.pk))
        if owner is not None:
            return _place(owner, kind, number) or Spot(("activity", owner.pk))
    return None


def section_spot(section: Section) -> Spot:
    """Where a section stands on the page of its course."""
    return Spot(("course", section.course_id), anchor=f"section-{section.pk}")


def _named(modulename: str, script: str, query: Mapping[str, str]) -> list[tuple[str, int]]:
    """The kinds and numbers that an address names, in the order in which it has them."""
    kinds = {"id": "course" if script == "index" else "course_module"}
    model = activities.types().get(modulename)
    for _token, address, refers in model.links if model else ():
        path, _, parameters = unescape(address).partition("?")
        if path == f"/mod/{modulename}/{script}.php":
            for name, position in PARAMETER.findall(parameters):
                kinds.setdefault(name, refers[int(position) - 1])
    said = ((kind, query.get(name, "")) for name, kind in kinds.items())
    return [(kind, int(number)) for kind, number in said if number.isdecimal() and len(number) < 19]


def _owner(kind: str, number: int, modulename: str) -> Activity | Course | None:
    """The course, or the activity that a record of a kind is in."""
    if kind == "course":
        return Course.objects.filter(pk=number).first()
    if kind == "course_module":
        return Activity.objects.filter(pk=number, modulename=modulename).first()
    model = model_of_kind(kind)
    record = model._base_manager.filter(pk=number).first() if model else None
    while record is not None and not isinstance(record, Content):
        up = next((f for f in record._meta.concrete_fields if isinstance(f, Within)), None)
        record = getattr(record, up.name) if up else None
    return record.owner if record is not None else None


def _place(owner: Activity, kind: str, number: int) -> Spot | None:
    """Where the form of an activity shows a record of a kind; None when it does not say so, or has no such record."""
    form = forms().get(owner.modulename)
    place = form.places.get(kind) if form else None
    if place is None:
        return None
    try:
        # Who may see it is asked by the page that the address leads to.
        return place(Desk(owner.course, activity=owner, people=True), number)
    except ObjectDoesNotExist:
        return None
