"""Findings about ids in the settings of blocks and course formats that nobody described and no name tells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from archive import serialised
from archive.findings import Finding
from archive.numbers import natural
from courses.fields.configuration import BlockConfiguration, item_type_of_setting
from courses.models import Block, CourseFormatOption, SectionFormatOption
from jobs.plan import StepEvent
from restore.context import RestoreContext
from restore.members import course_of

HINTS = (
    (re.compile("group", re.IGNORECASE), ("group", "grouping")),
    (re.compile("section", re.IGNORECASE), ("course_section",)),
    (re.compile("cm|mod|activit|instance", re.IGNORECASE), ("course_module",)),
    (re.compile("ids?$"), ("course_module", "course_section", "group", "grouping")),
)
"""Patterns of names of settings, and the item types whose ids these may hold; the first that matches counts."""

NOUNS = {
    "group": "a group",
    "grouping": "a grouping",
    "course_section": "a section",
    "course_module": "an activity",
}
FORMATS_OF_MOODLE = frozenset({"topics", "weeks", "social", "singleactivity", "site"})
"""Formats whose options are known: none of them is an id."""


def report_unmapped(context: RestoreContext) -> Iterator[StepEvent]:
    """Yield a finding for each setting that holds an id of the archive which stayed as it is, as only its plugin knows it."""
    yield 0
    course = course_of(context)
    blocks = Block.objects.filter(course=course).exclude(configdata=None).exclude(configdata="")
    came = context.ids.olds_of("block_instance", blocks.values_list("pk", flat=True))
    for block in blocks.filter(pk__in=came).order_by("pk"):
        configuration = block.configdata or ""
        mapped = BlockConfiguration.item_types(configuration, block.blockname)
        where = f"{block.blockname}_{came[block.pk]}/block.xml"
        for name, number in serialised.named_numbers(configuration):
            if name not in mapped:
                yield from _finding(context, name, number, f"the block “{block.blockname}”", where)
    if context.target.course is None or context.selection.overwrites_settings:
        whole = CourseFormatOption.objects.filter(course=course)
        yield from _of_format(context, whole.values_list("format", "name", "value"), "course/course.xml")
    sections = SectionFormatOption.objects.filter(section__course=course).exclude(
        format__in=FORMATS_OF_MOODLE
    )
    came = context.ids.olds_of("course_section", sections.values_list("section_id", flat=True))
    rows = sections.filter(section__in=came).order_by("section_id", "pk")
    for section, format_name, name, value in rows.values_list("section_id", "format", "name", "value"):
        where = f"sections/section_{came[section]}/section.xml"
        yield from _of_format(context, [(format_name, name, value)], where)


def _of_format(
    context: RestoreContext, options: Iterable[tuple[str, str, str | None]], where: str
) -> Iterator[Finding]:
    """Yield the findings about options of a course format, given as format, name and value."""
    for format_name, name, value in options:
        if format_name in FORMATS_OF_MOODLE or item_type_of_setting(name):
            continue
        for part in (value or "").split(","):
            yield from _finding(
                context, name, natural(part.strip()) or 0, f"the course format “{format_name}”", where
            )


def _finding(context: RestoreContext, name: str, number: int, of: str, where: str) -> Iterator[Finding]:
    """Yield a finding if a setting's name hints at a record and its number is that of one of the archive."""
    item_types = next((types for hint, types in HINTS if hint.search(name.removesuffix("[]"))), ())
    for item_type in item_types:
        new = context.ids.known(item_type, number) if number > 0 else None
        if new is not None and new != number:
            yield Finding(
                "warning",
                "setting-unmapped",
                f"The setting “{name}” of {of} may name {NOUNS[item_type]}: it holds {number}, which stays as it is.",
                where,
                "Look at the setting, and choose there again what it names.",
            )
            return
