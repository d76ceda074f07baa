"""Locations: the pages of this site that addresses of Moodle's form lead to, as they occur in texts of restored courses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape

from django.core.exceptions import ObjectDoesNotExist

from archive.numbers import natural
from courses import activities
from courses.content import Content
from courses.fields import Within
from courses.models import Activity, Course, Section
from courses.structure import model_of_item_type
from viewer.page_context import PageContext
from viewer.panels import Location
from viewer.presentation import presentations

PARAMETER = re.compile(r"(\w+)=\$(\d)")


def location_of(modulename: str, script: str, query: Mapping[str, str]) -> Location | None:
    """Return the page of this site for an address such as /mod/forum/discuss.php?d=12, or None if it is not here.

    The `links` of an activity type say the item type of each parameter; the `locations` of its presentation say where such
    records are shown. If several parameters lead somewhere, the last one counts, as it is the most exact (a chapter, not
    its book).
    """
    for item_type, number in reversed(_item_ids(modulename, script, query)):
        owner = _owner(item_type, number, modulename)
        if isinstance(owner, Course):
            return Location(("course", owner.pk))
        if owner is not None:
            return _record_location(owner, item_type, number) or Location(("activity", owner.pk))
    return None


def section_location(section: Section) -> Location:
    """Return the location of a section on the page of its course."""
    return Location(("course", section.course_id), anchor=f"section-{section.pk}")


def _item_ids(modulename: str, script: str, query: Mapping[str, str]) -> list[tuple[str, int]]:
    """Return (item type, id) for each parameter of the address, in the order of the type's links."""
    item_types = {"id": "course" if script == "index" else "course_module"}
    model = activities.types().get(modulename)
    for _token, address, refers in model.links if model else ():
        path, _, parameters = unescape(address).partition("?")
        if path == f"/mod/{modulename}/{script}.php":
            for name, position in PARAMETER.findall(parameters):
                item_types.setdefault(name, refers[int(position) - 1])
    said = ((item_type, query.get(name, "")) for name, item_type in item_types.items())
    return [(item_type, number) for item_type, text in said if (number := natural(text)) is not None]


def _owner(item_type: str, number: int, modulename: str) -> Activity | Course | None:
    """Return the course, or the activity that contains the record; None if it is not here."""
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


def _record_location(owner: Activity, item_type: str, number: int) -> Location | None:
    """Return the location of a record on the activity's pages; None if the presentation gives none."""
    presentation = presentations().get(owner.modulename)
    show_location = presentation.locations.get(item_type) if presentation else None
    if show_location is None:
        return None
    try:
        # The page at that location checks whether the reader may see the record.
        return show_location(PageContext(owner.course, activity=owner, people=True), number)
    except ObjectDoesNotExist:
        return None
