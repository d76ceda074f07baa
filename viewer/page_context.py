"""Page context: the reader's rights and the course or activity of a page, with the names and files that it mentions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet

from archive.numbers import LARGEST, whole_or
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
"""The formats "Moodle auto-format" and Markdown, which may contain HTML and in which line ends count."""

BLOCKS = re.compile(r"<(p|br|div|li|h[1-6]|table|ul|ol)\b", re.IGNORECASE)
"""A tag of a block element or a line break: such text breaks its lines itself."""

OWN_AREAS = {"instructions": "activityattachment"}
"""File areas of an activity's own texts whose names differ from their columns."""


class PageContext:
    """The state that presentations share while a page is built.

    Names, groups, files and comments are loaded when the page is rendered, with one query each, however many there are.
    """

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
        """The record of the activity's own type; None if there is none."""
        return content_of(self.activity) if self.activity else None

    @property
    def contextid(self) -> int:
        """The context id of the activity, or of the course: the context of its files."""
        return int((self.activity or self.course).contextid)

    @property
    def here(self) -> Address:
        """The address of the activity's page, or of the course's."""
        return ("activity", self.activity.pk) if self.activity else ("course", self.course.pk)

    # Names

    def person(self, userid: int | None) -> Later | str:
        """Return a person's name; "" for readers without the right to people's data."""
        return self._persons.of(userid) if self.people and userid and userid > 0 else ""

    def named(self, item_type: str, number: int | None, *, instead: Any = "") -> Later | str:
        """Return the name of a record of an item type: `named("group", 12)`; `instead` if there is none."""
        if not isinstance(number, int) or not 0 < number <= LARGEST:
            return str(instead)
        if item_type == "user":
            return self.person(number)
        if item_type not in self._named:
            self._named[item_type] = Lookup(lambda numbers: _names(item_type, numbers))
        return self._named[item_type].of(number, instead)

    def group(self, number: int | None) -> Later | str:
        """Return a group's name."""
        return self.named("group", number)

    def graded(self, value: Any, scale: int | None, *, places: int = 2) -> Later | str:
        """Return a grade as text: the word of a scale if `scale` is minus its id, else the number and the maximum."""
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
        """Return the files of an item in areas such as "mod_forum/attachment"; only those that the reader may see."""
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
        """Return the comments on an item in an area such as "mod_data/database_entry"; () without the right to them."""
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
        """Return the ratings of a record as values, one per person."""
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
        """Return the text in a column of a record as a value, with the path of the file area for its pictures."""
        declared = row.items("files")
        where = area or (declared[0] if declared else "")
        if isinstance(row, Content) and not area:
            where, item = f"{component_of(row._meta.model_name or '')}/{OWN_AREAS.get(column, column)}", 0
        number = row.pk if item is None else item
        place = f"{contextid or self.contextid}/{where}/{number}" if where else ""
        return self.text(label, getattr(row, column), _format(row, column), place)

    def text(self, label: str, text: Any, text_format: int | None = 1, place: str = "") -> Value:
        """Return a text as a value; `text_format` is Moodle's text format: 0 auto, 1 HTML, 2 plain, 4 Markdown."""
        if text_format in LINES and text and not BLOCKS.search(text):
            return Value(label, text, "marked", place)
        return Value(label, text or "", "lines" if text_format == PLAIN else "rich", place)

    # Records

    def below(
        self, model: Any, parent: str, rows: Iterable[Any], *, order: Sequence[str] = ("pk",)
    ) -> dict[int, list[Any]]:
        """Return the child records of the given rows, by the parent's id; one query."""
        found: dict[int, list[Any]] = {}
        numbers = [row.pk for row in rows]
        for row in model._base_manager.filter(**{f"{parent}__in": numbers}).order_by(*order):
            found.setdefault(getattr(row, f"{parent}_id"), []).append(row)
        return found

    def counts(self, model: Any, parent: str, rows: Iterable[Any]) -> dict[int, int]:
        """Return the number of child records of each given row, by the parent's id; one query."""
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
        """Return a panel with one page of the records; `show` turns that page's rows into entries or a table."""
        total = rows.count() if isinstance(rows, QuerySet) else len(rows)
        if userdata and not self.people:
            return Panel(title, total, userdata=True, closed=True)
        parameter = _parameter(name or title)
        asked = self.query.get(parameter, "")
        rows_shown = Paginator(range(total), size).get_page(whole_or(asked, 1, least=1))
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
        """Return the location of a record in a paginated list. ObjectDoesNotExist if it is not in the list.

        `numbers` are the ids of all records in the order of the list; `panel` (its title or name) and `size` as for `listed`.
        """
        position = next((n for n, one in enumerate(numbers) if one == number), None)
        if position is None:
            raise ObjectDoesNotExist("The record is not in the list.")
        part = position // size + 1
        return Location(address, f"{_parameter(panel)}={part}" if part > 1 else "", anchor)

    def one(self, rows: QuerySet[Any], number: int) -> Any:
        """Return the record with an id. ObjectDoesNotExist if it is not among the rows."""
        return rows.get(pk=number)

    def address(self, detail: str, number: int) -> Address:
        """Return the address of a sheet of this activity or course."""
        if self.activity:
            return ("activity-detail", self.activity.pk, detail, number)
        return ("course-detail", self.course.pk, detail, number)


def _parameter(panel: str) -> str:
    """Return the query parameter that selects the page of a panel's records."""
    return f"page-{panel.lower().replace(' ', '-')}"


def fact(label: str, value: Any, shape: Shape = "text", **more: Any) -> Value:
    """Return a labelled value for the facts of an entry or panel."""
    return Value(label, value, shape, **more)


def facts(*values: Value) -> tuple[Value, ...]:
    """Return the values that are not empty. Values that are looked up later are always included."""
    return tuple(
        value for value in values if isinstance(value.value, Later) or value.value not in (None, "", ())
    )


def table(
    columns: str, rows: Iterable[Sequence[Any]], *, numeric: Iterable[int] = (), wide: bool = False
) -> Table:
    """Return a table; `columns` are the headings, separated by bars: `table("Person | Grade", rows)`."""
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
    """Return a moment (epoch seconds) as the cell of a table."""
    return Value("", value, "moment")


def marks(**said: Any) -> tuple[str, ...]:
    """Return the words whose values are true: `marks(Pinned=row.pinned)`; underscores become spaces."""
    return tuple(word.replace("_", " ") for word, holds in said.items() if holds)


def readable(rows: QuerySet[File], *, people: bool) -> QuerySet[File]:
    """Return the files that the reader may see: with `people` all, else only those that are not userdata."""
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
        elif file_areas.is_userdata(component, area, 0, held=_holds_nothing):
            rows = rows.exclude(**inside)
    return rows


def _holds_nothing(_model: Any, _item: int) -> bool:
    """Return False: file areas that hold only one sort of records are judged without asking for the record."""
    return False


def _format(row: Any, column: str) -> int:
    """Return the text format of a column: from the format column named after it, or after its first word."""
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
