"""The exhaustive course: every field of every model has the values that are hardest for its field class.

Models are not named, except where a record needs something that exists: files a content, sections their order. Each
model gets rows in three moods: *bare* (NULL, nothing, none), *nasty* (markup, boundaries, marks of the format) and
*random*; for a single record, such as the course, the mood depends on the seed. The same seed gives the same values.
"""

from __future__ import annotations

import io
import random
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from courses import activities, pool, structure
from courses.activities.assign import AssignAllocatedMarker, AssignUserFlag
from courses.archived import ArchivedModel
from courses.fields import ArchiveField, Within
from courses.models import Activity, Block, Context, Course, File, Role, RoleName, Section, User
from courses.services import default_category
from courses.structure import Element, Model
from tests.values import LONGEST, Values, text_of

BLOCK = 1024
ROWS = 3
OF_PARENT = re.compile(r"\{parent\}\.(\w+) = '(\w+)'")


@dataclass
class Exhaustive:
    """Make the course. `rows` are its records by model, in the order of their ids; `contents` are hash and size in the pool."""

    seed: int = 1
    rows: dict[Model, list[ArchivedModel]] = field(default_factory=lambda: defaultdict(list))
    contents: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ids: dict[str, Iterator[int]] = {}
        self._values = Values(self.rows, random.Random(self.seed))

    @transaction.atomic
    def make(self) -> Course:
        """Write the course to the database and return it."""
        self._site()
        course = self._course()
        self._activities(course)
        self._below(structure.element(Course), course)
        for member in structure.members_of(Course):
            self._placed(Course, member, course)
        for section in self._of(Section):
            self._below(structure.element(Section), section)
        for activity in self._of(Activity):
            self._below(structure.element(Activity), activity)
            for member in structure.members_of(Activity):
                self._placed(Activity, member, activity)
        for owner in (course, *self._of(Activity)[:2]):
            for block in self._blocks(course, owner):
                self._below(structure.element(Block), block)
                for member in structure.members_of(Block):
                    self._placed(Block, member, block)
        for user in self._of(User):
            self._below(structure.element(User), user)
        self._files(course)
        self._fill()
        self._agree_about_markers()
        self._save()
        RoleName.objects.create(role_id=self._of(Role)[0].pk, course=course, name="Lehr<kraft> & Co")
        return Course.objects.get(pk=course.pk)

    # Records: first all of them with their ids, so that any may refer to any.

    def _new(self, model: Model, **values: Any) -> Any:
        """Return a new record with an id; `values` are fixed, all other fields are filled later."""
        table = getattr(model._meta.pk, "table", "") or model._meta.db_table
        if table not in self._ids:
            self._ids[table] = iter(range(_aligned(table), LONGEST))
        record = model(id=next(self._ids[table]), **values)
        self._values.fix(record, *values)
        self.rows[model].append(record)
        return record

    def _of(self, model: Model | None) -> list[Any]:
        assert model is not None
        return self.rows[model]

    def _context(self) -> int:
        return Context.objects.create().pk

    def _site(self) -> None:
        for number in range(ROWS * 2):
            name = f"exhaustive{self.seed}.{number}"
            known = {
                "username": name,
                "email": f"{name}@example.com",
                "deleted": 0,
                "auth": "manual",
                "confirmed": 1,
            }
            self._new(User, contextid=self._context(), password="!", **known)
        for number in range(ROWS):
            self._new(
                Role,
                shortname=f"exhaustive{self.seed}.{number}",
                archetype=("", "student", "teacher")[number],
            )

    def _course(self) -> Any:
        category = default_category()
        names: dict[str, Any] = {
            "shortname": f"Ex {self.seed} <&>",
            "fullname": f"Exhaustive <b>&amp;</b> 🙂 {self.seed}",
        }
        # The manifest repeats the dates, and its readers take no date after the year 5000.
        names |= {
            "startdate": (0, 1700000000, -1)[self.seed % 3],
            "enddate": (99999999999, 0, 1)[self.seed % 3],
        }
        return self._new(Course, contextid=self._context(), category=category, format="topics", **names)

    def _activities(self, course: Any) -> None:
        for number in range(ROWS):
            self._new(Section, course_id=course.pk, number=number, component=None, itemid=None)
        sections = list(self._of(Section))
        inside: dict[int, list[int]] = defaultdict(list)
        for position, (name, model) in enumerate(activities.types().items()):
            section = sections[position % len(sections)]
            activity = self._activity(course, section, name)
            content = self._new(model, owner_id=activity.pk)
            activity.instance = content.pk
            inside[section.pk].append(activity.pk)
            self._below(structure.element(model), content)
        for number, owner in enumerate(self._of(activities.types()["subsection"]), ROWS):
            nested = {"component": "mod_subsection", "itemid": owner.pk}
            self._new(Section, course_id=course.pk, number=number, **nested)
        for section in self._of(Section):
            sequence = ",".join(str(number) for number in reversed(inside[section.pk]))
            section.sequence = sequence or None
            self._values.fix(section, "sequence")

    def _activity(self, course: Any, section: Any, name: str) -> Any:
        title = text_of(255, len(self._of(Activity))).translate(dict.fromkeys(map(ord, "\t\n"), " ")).strip()
        values = {"section_id": section.pk, "modulename": name, "title": title, "instance": 0}
        return self._new(Activity, course_id=course.pk, contextid=self._context(), **values)

    def _blocks(self, course: Any, owner: Any) -> list[Any]:
        """Make the blocks of a course or an activity; a block's name is also in its folder's name."""
        activity = owner.pk if isinstance(owner, Activity) else None
        names = ("html", "activity_results", "online_users")
        place = {"course_id": course.pk, "activity_id": activity, "parentcontextid": owner.contextid}
        return [self._new(Block, blockname=name, contextid=self._context(), **place) for name in names]

    def _below(self, element: Element, parent: Any, rows: int = ROWS) -> None:
        for child in element.children():
            self._nested(child, parent, rows)

    def _placed(self, owner: Model, member: str, parent: Any) -> None:
        for element in structure.elements_of(structure.elements_in(owner, member)):
            self._nested(element, parent)

    def _nested(self, element: Element, parent: Any, rows: int = ROWS) -> None:
        """Make the records of one element in a record: several in the first parent of its model, one in each other."""
        if element.shown or not _stands(element, parent):
            return
        column, texts = _choices(element)
        first = parent is self._of(type(parent))[0]
        for number in range(max(rows, len(texts)) if first else 1):
            chosen = {column: texts[number % len(texts)]} if texts else {}
            record = self._new(
                element.model, **{element.column: getattr(parent, element.parent_column)}, **chosen
            )
            self._below(element, record, rows=2)

    def _agree_about_markers(self) -> None:
        """Let the flag of a person and the first record of the person's markers name the same one, as a restore makes them."""
        for flag, record in zip(self._of(AssignUserFlag), self._of(AssignAllocatedMarker), strict=True):
            record.student = flag.userid
            flag.allocatedmarker = record.marker

    def _files(self, course: Any) -> None:
        """Make a file in every area of every record that has areas, and of the course, an activity and a person."""
        for number in range(ROWS):
            self.contents.append(pool.put(io.BytesIO(f"content {number} of {self.seed}".encode() * 50)))
        contexts = {activity.pk: activity.contextid for activity in self._of(Activity)}
        for model in list(self.rows):
            for area in model.archive_meta.files:
                for record in self._of(model)[:ROWS]:
                    owner = _activity_of(record, self.rows)
                    self._file(course, contexts.get(owner, course.contextid), area, record.pk)
        self._file(
            course, self._of(Activity)[0].contextid, "mod_" + self._of(Activity)[0].modulename + "/intro", 0
        )
        self._file(course, course.contextid, "course/summary", 0)

    def _file(self, course: Any, context: int, area: str, item: int) -> None:
        component, _, filearea = area.partition("/")
        sha1, size = self.contents[len(self._of(File)) % len(self.contents)]
        name = f"{len(self._of(File))} ü <&> 'x' 🙂.txt"
        place = {"contextid": context, "component": component, "filearea": filearea, "itemid": item}
        self._new(
            File,
            course_id=course.pk,
            contenthash=sha1,
            filesize=size,
            filepath="/",
            filename=name,
            **place,
        )

    # Values.

    def _fill(self) -> None:
        course = self._of(Course)[0]
        for model, records in self.rows.items():
            joined = [
                f.attname for f in model._meta.concrete_fields if f.related_model is Course and not f.null
            ]
            fields = [f for f in model._meta.concrete_fields if isinstance(f, ArchiveField) and f.omit == ""]
            for number, record in enumerate(records):
                for name in joined:
                    setattr(record, name, course.pk)
                fixed = self._values.fixed.setdefault((model, record.pk), set())
                for position, one in enumerate(fields):
                    if fixed.isdisjoint({one.name, one.attname}):
                        count = number // ROWS + number + position
                        value = self._values.value(one, record, (number + self.seed) % ROWS, count)
                        setattr(record, one.attname, value)

    def _save(self) -> None:
        pending = [model for model in structure.archived_models() if self.rows.get(model)]
        for model in pending:
            model._base_manager.bulk_create(self._of(model))


def _stands(element: Element, parent: Any) -> bool:
    """Whether an element can be in this parent: `where` may restrict it to parents of a certain type."""
    match = OF_PARENT.fullmatch(element.where)
    return match is None or getattr(parent, match[1]) == match[2]


def _choices(element: Element) -> tuple[str, list[str]]:
    """Return the column on whose value nested elements depend, and all those values; ("", []) if there is none."""
    matches = [match for child in element.children() if (match := OF_PARENT.fullmatch(child.where))]
    return (matches[0][1], list(dict.fromkeys(match[2] for match in matches))) if matches else ("", [])


def _aligned(table: str) -> int:
    """Return the first id of a block, so that the order of ids is the same wherever the course is restored."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id'))", [f'"{table}"'])
        first = (int(cursor.fetchone()[0]) // BLOCK + 1) * BLOCK
        cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [f'"{table}"', first + BLOCK])
    return first


def _activity_of(record: Any, rows: dict[Model, list[Any]]) -> int:
    """Return the id of the activity that a record is in; 0 for records of the course."""
    while True:
        if hasattr(record, "owner_id"):
            return int(record.owner_id)
        column = next((f for f in type(record)._meta.concrete_fields if isinstance(f, Within)), None)
        if column is None:
            return 0
        above, parent = getattr(record, column.attname), column.related_model
        assert isinstance(parent, type)
        assert issubclass(parent, ArchivedModel)
        record = next((one for one in rows[parent] if one.pk == above), None)
