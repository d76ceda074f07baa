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
from courses.structure import model_of_item_type
from viewer.page_context import PageContext
from viewer.panels import Location
from viewer.presentation import presentations

PARAMETER = re.compile(r"(\w+)=\$(\d)")


def locate(modulename: str, script: str, query: Mapping[str, str]) -> Location | None:
    """The place on this site of what an address such as /mod/forum/discuss.php?d=12 names; None when it is not here.

    A type's `links` say which kind of id each parameter is, and its form where records of that kind stand. Of several
    parameters the last one that leads somewhere counts, which is the nearest: a chapter, then its book.
    """
    for item_type, number in reversed(_named(modulename, script, query)):
        owner = _owner(item_type, number, modulename)
        if isinstance(owner, Course):
            return Location(("course", owner.pk))
        if owner is not None:
            return _place(owner, item_type, number) or Location(("activity", owner.pk))
    return None


def section_location(section: Section) -> Location:
    """Where a section stands on the page of its course."""
    return Location(("course", section.course_id), anchor=f"section-{section.pk}")


def _named(modulename: str, script: str, query: Mapping[str, str]) -> list[tuple[str, int]]:
    """The kinds and numbers that an address names, in the order in which it has them."""
    item_types = {"id": "course" if script == "index" else "course_module"}
    model = activities.types().get(modulename)
    for _token, address, refers in model.links if model else ():
        path, _, parameters = unescape(address).partition("?")
        if path == f"/mod/{modulename}/{script}.php":
            for name, position in PARAMETER.findall(parameters):
                item_types.setdefault(name, refers[int(position) - 1])
    said = ((item_type, query.get(name, "")) for name, item_type in item_types.items())
    return [(item_type, int(number)) for item_type, number in said if number.isdecimal() and len(number) < 19]


def _owner(item_type: str, number: int, modulename: str) -> Activity | Course | None:
    """The course, or the activity that a record of a kind is in."""
    if item_type == "course":
        return Course.objects.filter(pk=number).first()
    if item_type == "course_module":
        return Activity.objects.filter(pk=number, modulename=modulename).first()
    model = model_of_item_type(item_type)
    record = model._base_manager.filter(pk=number).first() if model else None
    while record is not None and not isinstance(record, Content):
        up = next((f for f in record._meta.concrete_fields if isinstance(f, Within)), None)
        record = getattr(record, up.name) if up else None
    return record.owner if record is not None else None


def _place(owner: Activity, item_type: str, number: int) -> Location | None:
    """Where the form of an activity shows a record of a kind; None when it does not say so, or has no such record."""
    form = presentations().get(owner.modulename)
    place = form.places.get(item_type) if form else None
    if place is None:
        return None
    try:
        # Who may see it is asked by the page that the address leads to.
        return place(PageContext(owner.course, activity=owner, people=True), number)
    except ObjectDoesNotExist:
        return None
