"""Desk: what a page is made with: who reads, about what, and the names and files that it mentions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet

from courses import file_areas, structure
from courses.archived import ArchivedModel
from courses.content import Content
from courses.fields import LongText, RichText
from courses.models import Activity, Comment, Course, File, User
from courses.models.grades import Scale
from courses.registry import component_of
from courses.summaries import content_of
from viewer import words
from viewer.clean_html import plain
from viewer.lookups import Later, Lookup, Phrase
from viewer.panels import Address, Entry, Location, Panel, Shape, Table, Value

PAGE = 20
NAMING = (
    "fullname",
    "name",
    "title",
    "subject",
    "concept",
    "itemname",
    "shortname",
    "text",
    "description",
    "answertext",
    "answer_text",
    "username",
)
PLAIN = 2
LINES = frozenset((0, 4))
"""The formats of text and of Markdown, in which HTML may stand, and the end of a line is one."""

BLOCKS = re.compile(r"<(p|br|div|li|h[1-6]|table|ul|ol)\b", re.IGNORECASE)
"""HTML that breaks its lines itself."""

OWN_AREAS = {"instructions": "activityattachment"}
"""Areas of an activity's own texts that are not called as their columns are."""


class PageContext:
    """All that the forms of a page need. Names, groups, files and comments cost one query each, however many there are."""

    def __init__(
        self,
        course: Course,
        *,
        activity: Activity | None = None,
        people: bool,
        query: Mapping[str, str] | None = None,
    ) -> None:
        self.course = course
        self.activity = activity
        self.people = people
        self.query = query or {}
        self._named: dict[str, Lookup] = {}
        self._persons = Lookup(self._load_people)
        self._files = Lookup(self._load_files, nothing=())
        self._comments = Lookup(self._load_comments, nothing=())

    @cached_property
    def content(self) -> Any:
        """The record of the activity's own type; None when there is none."""
        return content_of(self.activity) if self.activity else None

    @property
    def contextid(self) -> int:
        """The number of the place whose files these are."""
        return int((self.activity or self.course).contextid)

    @property
    def here(self) -> Address:
        """The page of the activity, or of the course."""
        return ("activity", self.activity.pk) if self.activity else ("course", self.course.pk)

    # Names

    def person(self, userid: int | None) -> Later | str:
        """A person's name; nothing for readers without the right to people's data."""
        return self._persons.of(userid) if self.people and userid and userid > 0 else ""

    def named(self, item_type: str, number: int | None, *, instead: Any = "") -> Later | str:
        """The name of a record of a kind: `named("group", 12)`; `instead` when it has none or is not here."""
        if not number or number < 0:
            return str(instead)
        if item_type == "user":
            return self.person(number)
        if item_type not in self._named:
            self._named[item_type] = Lookup(lambda numbers: _names(item_type, numbers))
        return self._named[item_type].of(number, instead)

    def group(self, number: int | None) -> Later | str:
        """A group's name."""
        return self.named("group", number)

    def graded(self, value: Any, scale: int | None, *, places: int = 2) -> Later | str:
        """A grade: the word of a scale when `scale` is minus its id, else a number and the maximum."""
        if value is None or value == -1:
            return ""
        if scale is not None and scale < 0:
            if "scale words" not in self._named:
                self._named["scale words"] = Lookup(_scale_words)
            return self._named["scale words"].of((-scale, round(float(value))))
        shown = words.number(value, places)
        return f"{shown} / {scale}" if scale else shown

    def _load_people(self, numbers: set[int]) -> dict[int, str]:
        return {user.pk: str(user) for user in User.objects.filter(pk__in=numbers)}

    # Files and comments

    def files(self, item: int, *where: str, contextid: int | None = None) -> Later:
        """The files of an item in areas such as "mod_forum/attachment"; those that the reader may see."""
        return self._files.of((contextid or self.contextid, where, item))

    def _load_files(self, asked: set[tuple[int, tuple[str, ...], int]]) -> dict[Any, Any]:
        wanted = {
            (context, area, item): key
            for key in asked
            for context, item in ((key[0], key[2]),)
            for area in key[1]
        }
        rows = File.objects.filter(
            contextid__in={key[0] for key in asked}, itemid__in={key[2] for key in asked}
        ).exclude(filename=".")
        found: dict[Any, list[File]] = {}
        for row in readable(rows, people=self.people).order_by("filepath", "filename", "pk"):
            key = wanted.get((row.contextid, f"{row.component}/{row.filearea}", row.itemid))
            if key is not None:
                found.setdefault(key, []).append(row)
        return found

    def comments(self, item: int, where: str) -> Later | tuple[()]:
        """The comments on an item of an area such as "mod_data/database_entry"."""
        return self._comments.of((where, item)) if self.people else ()

    def _load_comments(self, asked: set[tuple[str, int]]) -> dict[Any, Any]:
        found: dict[Any, list[Entry]] = {}
        rows = Comment.objects.filter(contextid=self.contextid, itemid__in={item for _, item in asked})
        for row in rows.order_by("timecreated", "pk"):
            entry = Entry(
                who=self.person(row.userid),
                when=row.timecreated,
                texts=(self.text("", row.content, row.format),),
            )
            found.setdefault((f"{row.component}/{row.commentarea}", row.itemid), []).append(entry)
        return found

    def ratings(self, rows: Iterable[Any]) -> tuple[Value, ...]:
        """What people gave a record, person by person."""
        return tuple(
            Value("Rating", Phrase(self.person(row.userid), ": ", self.graded(row.value, row.scaleid)))
            for row in rows
        )

    # Texts

    def rich(
        self,
        label: str,
        row: ArchivedModel,
        column: str,
        *,
        area: str = "",
        item: int | None = None,
        contextid: int | None = None,
    ) -> Value:
        """What people wrote in a column of a record, with the area where its pictures are."""
        declared = row.items("files")
        where = area or (declared[0] if declared else "")
        if isinstance(row, Content) and not area:
            where, item = f"{component_of(row._meta.model_name or '')}/{OWN_AREAS.get(column, column)}", 0
        number = row.pk if item is None else item
        place = f"{contextid or self.contextid}/{where}/{number}" if where else ""
        return self.text(label, getattr(row, column), _format(row, column), place)

    def text(self, label: str, text: Any, form: int | None = 1, place: str = "") -> Value:
        """A text in one of Moodle's formats: HTML, plain text, or HTML in which the ends of lines count."""
        if form in LINES and text and not BLOCKS.search(text):
            return Value(label, text, "marked", place)
        return Value(label, text or "", "lines" if form == PLAIN else "rich", place)

    # Records

    def below(
        self, model: Any, parent: str, rows: Iterable[Any], *, order: Sequence[str] = ("pk",)
    ) -> dict[int, list[Any]]:
        """The records inside each of the given ones, by the number of the one that they are in; one query."""
        found: dict[int, list[Any]] = {}
        numbers = [row.pk for row in rows]
        for row in model._base_manager.filter(**{f"{parent}__in": numbers}).order_by(*order):
            found.setdefault(getattr(row, f"{parent}_id"), []).append(row)
        return found

    def counts(self, model: Any, parent: str, rows: Iterable[Any]) -> dict[int, int]:
        """How many records are inside each of the given ones; one query."""
        found = model._base_manager.filter(**{f"{parent}__in": [row.pk for row in rows]})
        return dict(found.order_by().values_list(parent).annotate(Count("pk")))

    def listed(
        self,
        title: str,
        rows: QuerySet[Any] | Sequence[Any],
        show: Callable[[list[Any]], Iterable[Entry] | Table],
        *,
        name: str = "",
        size: int = PAGE,
        userdata: bool = False,
        **more: Any,
    ) -> Panel:
        """A panel with some of the records: `show` makes entries or a table of those on the page."""
        total = rows.count() if isinstance(rows, QuerySet) else len(rows)
        if userdata and not self.people:
            return Panel(title, total, userdata=True, closed=True)
        parameter = _parameter(name or title)
        asked = self.query.get(parameter, "")
        rows_shown = Paginator(range(total), size).get_page(
            int(asked) if asked.isdecimal() and len(asked) < 9 else 1
        )
        start = (rows_shown.number - 1) * size
        shown = show(list(rows[start : start + size])) if total else ()
        if isinstance(shown, Table):
            more["table"] = shown
        else:
            more["entries"] = tuple(shown)
        return Panel(title, total, userdata=userdata, page=rows_shown, parameter=parameter, **more)

    def location(
        self,
        address: Address,
        panel: str,
        numbers: Iterable[int],
        number: int,
        *,
        anchor: str,
        size: int = PAGE,
    ) -> Location:
        """Where a record stands in a list that is shown in parts; ObjectDoesNotExist when it is not in it.

        `numbers` are those of all records in the order of the list, `panel` and `size` what `listed` was given.
        """
        place = next((n for n, one in enumerate(numbers) if one == number), None)
        if place is None:
            raise ObjectDoesNotExist("The record is not in the list.")
        part = place // size + 1
        return Location(address, f"{_parameter(panel)}={part}" if part > 1 else "", anchor)

    def one(self, rows: QuerySet[Any], number: int) -> Any:
        """The record of a number among some; ObjectDoesNotExist when it is not among them."""
        return rows.get(pk=number)

    def address(self, detail: str, number: int) -> Address:
        """Where a sheet of this activity or course is."""
        if self.activity:
            return ("activity-detail", self.activity.pk, detail, number)
        return ("course-detail", self.course.pk, detail, number)


def _parameter(panel: str) -> str:
    """The parameter of an address that says which part of a panel's records to show."""
    return f"page-{panel.lower().replace(' ', '-')}"


def fact(label: str, value: Any, shape: Shape = "text", **more: Any) -> Value:
    """A small value with its name."""
    return Value(label, value, shape, **more)


def facts(*values: Value) -> tuple[Value, ...]:
    """Those of the values that say something. What is looked up later is taken along."""
    return tuple(
        value for value in values if isinstance(value.value, Later) or value.value not in (None, "", ())
    )


def table(
    columns: str, rows: Iterable[Sequence[Any]], *, numeric: Iterable[int] = (), wide: bool = False
) -> Table:
    """A table whose headings are parted by bars: `table("Person | Grade", rows)`; cells are values or plain."""
    names = tuple(name.strip() for name in columns.split("|"))
    return Table(
        columns=names,
        rows=tuple(
            tuple(
                (replace(cell, label=cell.label or name) if isinstance(cell, Value) else Value(name, cell))
                for name, cell in zip(names, row, strict=True)
            )
            for row in rows
        ),
        numeric=frozenset(numeric),
        wide=wide,
    )


def when(value: int | None) -> Value:
    """A moment in a cell of a table."""
    return Value("", value, "moment")


def marks(**said: Any) -> tuple[str, ...]:
    """The words whose values hold: `marks(Pinned=row.pinned)`; underscores are spaces."""
    return tuple(word.replace("_", " ") for word, holds in said.items() if holds)


def readable(rows: QuerySet[File], *, people: bool) -> QuerySet[File]:
    """Those of the files that are not people's work, or all with the right to people's work."""
    if people:
        return rows
    for component, area in rows.order_by().values_list("component", "filearea").distinct():
        models = file_areas.models_of_area(component, area)
        own = [model for model in models if not model.archive_meta.userdata]
        inside = {"component": component, "filearea": area}
        if own and len(own) < len(models):
            teachers = Q()
            for model in own:
                teachers |= Q(itemid__in=model._base_manager.values("pk"))
            rows = rows.exclude(Q(**inside) & ~teachers)
        elif file_areas.is_userdata(component, area, 0, held=_none):
            rows = rows.exclude(**inside)
    return rows


def _none(_model: Any, _item: int) -> bool:
    """No record is asked for where an area holds only one kind of them."""
    return False


def _format(row: Any, column: str) -> int:
    """The format of a text: the column is named after the text's, or after its first word."""
    for name in (f"{column}format", f"{column.partition('_')[0]}format", "format"):
        found = getattr(row, name, None)
        if isinstance(found, int):
            return found
    return 1


def _names(item_type: str, numbers: set[int]) -> dict[int, str]:
    model = structure.model_of_item_type(item_type)
    if model is None:
        return {}
    names = {field.name for field in model._meta.concrete_fields}
    if item_type == "course_module":
        return dict(Activity.objects.filter(pk__in=numbers).values_list("pk", "title"))
    columns = [name for name in NAMING if name in names]
    found = model._base_manager.filter(pk__in=numbers).values_list("pk", *columns)
    rich = {name for name in columns if isinstance(model._meta.get_field(name), RichText | LongText)}
    named = {}
    for number, *said in found:
        column, name = next(
            ((column, str(name)) for column, name in zip(columns, said, strict=True) if name), ("", "")
        )
        named[number] = plain(name, 100) if column in rich else name
    return named


def _scale_words(asked: set[tuple[int, int]]) -> dict[tuple[int, int], str]:
    scales = dict(Scale.objects.filter(pk__in={scale for scale, _ in asked}).values_list("pk", "scale"))
    found = {}
    for scale, value in asked:
        parts = [part.strip() for part in scales.get(scale, "").split(",")]
        found[scale, value] = parts[value - 1] if 0 < value <= len(parts) else str(value)
    return found
