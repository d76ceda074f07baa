"""Reading: an activity as a page shows it, from its description alone: a new type needs nothing here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, cast

from django.db.models import Count, ForeignKey, Model, Q, QuerySet
from django.utils.text import capfirst

from courses import activities
from courses.content import Content
from courses.fields import Int, Kind, LongText, Moment, Ref, RichText, ScaleOrMaximum, Text, UserRef, Within
from courses.models import Activity, Course, File, KeptMember, User
from courses.parts import Part
from courses.structure import Element, element, model_of_kind

Shape = Literal["rich", "text", "moment", "person", "number"]

# Columns that say nothing to a reader: formats of texts, and numbers that only programs read.
_SILENT = re.compile(r"(format|trust|messagetrust|mailnow|mailed|sortorder|pathnamehash|tokens?)\Z")
_EXCERPT_COLUMNS = 4


@dataclass(frozen=True, slots=True)
class Value:
    """One value with its name. `shape` says how to show it; a moment is a datetime or None, a person a name.

    `place` is where the files of a rich text lie: context, component, area and item, with slashes between.
    """

    label: str
    value: Any
    shape: Shape
    place: str = ""


@dataclass(frozen=True, slots=True)
class Records:
    """The records of one kind inside an activity: how many there are, and the values of some of them.

    `closed` when the reader may not see people's work: the number stands, the rows are left out. `main`
    records are what the activity is about; the others, such as who has read what, are folded.
    """

    name: str
    title: str
    total: int
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Value, ...], ...] = ()
    userdata: bool = False
    closed: bool = False
    main: bool = True


@dataclass(frozen=True, slots=True)
class KeptPart:
    """A part that is kept word for word, as it is not described: its path and its bytes."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class ActivityView:
    """What is in an activity: its texts, settings, records and files, and what is kept as it came."""

    activity: Activity
    texts: tuple[Value, ...] = ()
    settings: tuple[Value, ...] = ()
    records: tuple[Records, ...] = ()
    files: tuple[File, ...] = ()
    kept: tuple[KeptPart, ...] = field(default=())

    @property
    def described(self) -> bool:
        """Whether the type is known in detail."""
        return self.activity.modulename in activities.types()


def activity_view(activity: Activity, *, people: bool, rows: int = 10) -> ActivityView:
    """The activity for a reader; `people`: whether people's work is shown, `rows`: how many of a kind."""
    content = content_of(activity)
    texts: list[Value] = []
    settings: list[Value] = []
    if content is not None:
        for value in _values(content, _fields(type(content)), activity):
            (texts if value.shape == "rich" and value.value else settings).append(value)
    return ActivityView(
        activity=activity,
        texts=tuple(texts),
        settings=tuple(value for value in settings if value.shape != "rich"),
        records=tuple(_all_records(activity, content, people=people, rows=rows)) if content else (),
        files=tuple(_files(activity, people=people)[: rows * 5]),
        kept=tuple(_kept(activity)),
    )


def records_of(activity: Activity, name: str, *, people: bool, start: int, rows: int) -> Records | None:
    """The records of one kind from the given place on; None when the activity's type has no such kind."""
    content = content_of(activity)
    for one, path in _kinds(type(content)) if content else ():
        if one.model._meta.model_name == name:
            return _records(
                activity, cast(Content, content), one, path, people=people, start=start, rows=rows
            )
    return None


def counts(course: Course) -> dict[int, str]:
    """What is in each activity of a course, by the activity's id: “3 discussions, 12 posts”.

    Two queries for each type at most, and one for files, however many activities there are.
    """
    said: dict[int, list[str]] = {}
    present = set(Activity.objects.filter(course=course).values_list("modulename", flat=True).distinct())
    for name, model in activities.types().items():
        for one, path in _counted(model) if name in present else ():
            noun = _bare(one.model, name)
            rows = one.model._base_manager.filter(Q((f"{path}__owner__course", course)))
            for owner, number in rows.values_list(f"{path}__owner").annotate(Count("pk")):
                said.setdefault(owner, []).append(f"{number:,} {noun if number == 1 else plural(noun)}")
    held = (
        File.objects.filter(course=course)
        .exclude(filename=".")
        .values_list("contextid")
        .annotate(Count("pk"))
    )
    files = dict(held)
    for pk, contextid in Activity.objects.filter(course=course, contextid__in=files).values_list(
        "pk", "contextid"
    ):
        number = files[contextid]
        said.setdefault(pk, []).append(f"{number:,} {'file' if number == 1 else 'files'}")
    return {pk: ", ".join(parts) for pk, parts in said.items()}


def _counted(model: type[Part]) -> list[tuple[Element, str]]:
    """The two kinds of record that say most about an activity: the first ones with a kind of id."""
    return [(one, path) for one, path in _kinds(model) if one.model.traits.kind][:2]


def whereabouts(modulename: str, script: str, query: Mapping[str, str]) -> Activity | Course | None:
    """The activity or course that an address of Moodle's form leads to, such as /mod/forum/discuss.php?d=12.

    A type's `links` say which kind of id each parameter is; where there are none, `id` is the activity.
    """
    kinds = {"id": "course" if script == "index" else "course_module"}
    model = activities.types().get(modulename)
    for _token, address, refers in model.links if model else ():
        path, _, parameters = address.partition("?")
        if path == f"/mod/{modulename}/{script}.php" and refers:
            kinds.setdefault(parameters.partition("=")[0], refers[0])
    for name, kind in kinds.items():
        number = query.get(name, "")
        if number.isdecimal() and len(number) < 19:
            return _owner(kind, int(number), modulename)
    return None


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


def content_of(activity: Activity) -> Content | None:
    """The record of the activity's own type; None when the type is not described or the record is missing."""
    model = activities.types().get(activity.modulename)
    return model._base_manager.filter(owner=activity).first() if model else None


def title_of(model: type[Model], prefix: str = "") -> str:
    """What people call many of such records: “Discussions”, “Chapter tags”."""
    return str(capfirst(plural(_bare(model, prefix))))


def _bare(model: type[Model], prefix: str) -> str:
    """What people call one of such records inside an activity: a forum discussion is a discussion there."""
    words = str(model._meta.verbose_name)
    return words.removeprefix(prefix).strip() or words


def plural(words: str) -> str:
    """The plural of an English noun: entry, entries; branch, branches; post, posts."""
    if re.search(r"[^aeiou]y\Z", words):
        return f"{words[:-1]}ies"
    if re.search(r"(s|x|ch|sh)\Z", words):
        return words if words.endswith("s") else f"{words}es"
    return f"{words}s"


def _kinds(model: type[Part]) -> Iterator[tuple[Element, str]]:
    """Each kind of record inside an activity's content, with the query path from it to the content."""
    yield from _below(element(model), "")


def _below(parent: Element, path: str) -> Iterator[tuple[Element, str]]:
    for child in parent.children():
        link = next((f for f in child.model._meta.concrete_fields if f.column == child.column), None)
        if not isinstance(link, ForeignKey):
            continue
        way = f"{link.name}__{path}" if path else link.name
        yield child, way
        yield from _below(child, way)


def _all_records(activity: Activity, content: Content, *, people: bool, rows: int) -> Iterator[Records]:
    for one, path in _kinds(type(content)):
        found = _records(activity, content, one, path, people=people, start=0, rows=rows)
        if found.total:
            yield found


def _records(
    activity: Activity, content: Content, one: Element, path: str, *, people: bool, start: int, rows: int
) -> Records:
    model = one.model
    chosen: QuerySet[Any] = model._base_manager.filter(Q((path, content))).order_by("pk")
    total = chosen.count()
    title = title_of(model, activity.modulename)
    closed = model.traits.userdata and not people
    if closed or not total:
        name = model._meta.model_name or ""
        return Records(
            name, title, total, userdata=model.traits.userdata, closed=closed, main=bool(model.traits.kind)
        )
    columns = _excerpt(model)
    found = list(chosen[start : start + rows])
    names = _names(found, columns)
    lines = tuple(tuple(_value(row, column, activity, names) for column in columns) for row in found)
    return Records(
        name=model._meta.model_name or "",
        title=title,
        total=total,
        columns=tuple(_label(column) for column in columns),
        rows=lines,
        userdata=model.traits.userdata,
        main=bool(model.traits.kind),
    )


def _fields(model: type[Part]) -> list[Any]:
    """The columns that mean something to a reader."""
    return [
        one
        for one in model._meta.concrete_fields
        if isinstance(one, Kind) and not one.omit and not one.secret and not _SILENT.search(one.name)
    ]


def _excerpt(model: type[Part]) -> list[Any]:
    """The few columns of a table: people, texts and dates first, then the rest; in the archive's order."""
    fields = _fields(model)
    best = sorted(fields, key=_worth)[:_EXCERPT_COLUMNS]
    return [one for one in fields if one in best]


def _worth(one: Any) -> int:
    """How much a column says in a table, the less the more."""
    if isinstance(one, UserRef):
        return 0 if one.name == "userid" else 7
    if isinstance(one, Moment):
        return 3 if re.search(r"(created|modified|due|start|finish|added)", one.name) else 5
    if isinstance(one, Text | RichText):
        return 1 if one.name in _TELLING or isinstance(one, RichText) else 4
    return 2 if isinstance(one, LongText) else 6


_TELLING = frozenset(
    {"name", "title", "subject", "concept", "text", "status", "alias", "rawname", "value", "filename"}
)


def _names(rows: Sequence[Any], columns: Sequence[Any]) -> dict[int, str]:
    """The names of all people whom the rows mention, in one query."""
    people = {getattr(row, c.attname) for row in rows for c in columns if isinstance(c, UserRef)} - {0, None}
    return {user.pk: str(user) for user in User.objects.filter(pk__in=people)} if people else {}


def _values(row: Any, fields: Sequence[Any], activity: Activity) -> Iterator[Value]:
    names = _names([row], fields)
    for one in fields:
        if one.name != "name":
            yield _value(row, one, activity, names)


def _value(row: Any, one: Any, activity: Activity, names: dict[int, str]) -> Value:
    raw = getattr(row, one.attname)
    label = _label(one)
    if isinstance(one, Moment):
        return Value(
            label, datetime.fromtimestamp(raw, UTC) if raw and 0 < raw < 253_402_300_799 else None, "moment"
        )
    if isinstance(one, UserRef):
        return Value(label, names.get(raw, ""), "person")
    if isinstance(one, RichText):
        return Value(label, raw or "", "rich", place=f"{activity.contextid}/{_area(row, one)}")
    if isinstance(one, Ref | ScaleOrMaximum | Int):
        return Value(label, raw, "number")
    return Value(label, raw, "text")


def _area(row: Any, one: Any) -> str:
    """The file area of a rich text: the record's own first one, or the activity's that the column names."""
    declared = row.items("files")
    if declared and not isinstance(row, Content):
        return f"{declared[0]}/{row.pk}"
    return f"mod_{row._meta.model_name}/{one.name}/0"


_WORDS = {
    "maxbytes": "Largest file (bytes)",
    "maxattachments": "Attachments at most",
    "forcesubscribe": "Subscription",
    "trackingtype": "Read tracking",
    "assessed": "Rating",
    "scale": "Rating scale",
    "grade_forum": "Grade of the whole",
    "timestart": "Shown from",
    "timeend": "Shown until",
    "maxattempts": "Attempts at most",
    "timelimit": "Time limit (s)",
    "teamsubmission": "In groups",
    "blindmarking": "Without names",
    "markingworkflow": "Marking in stages",
    "submissiondrafts": "Drafts",
    "showdescription": "Shows its description",
    "assesstimestart": "Rated from",
    "assesstimefinish": "Rated until",
    "display": "How it is shown",
    "revision": "Revision",
    "defaultformat": "Format",
    "intro": "Introduction",
    "userid": "Person",
    "usermodified": "Changed by",
    "timecreated": "Created",
    "timemodified": "Changed",
    "duedate": "Due",
    "cutoffdate": "Closes",
    "timeopen": "Opens",
    "timeclose": "Closes",
    "externalurl": "Address",
    "rawname": "Tag",
    "itemid": "Record",
    "groupid": "Group",
    "grade": "Grade",
    "allowsubmissionsfromdate": "Opens",
    "gradingduedate": "Marks due",
    "onlinetext": "Text",
    "numfiles": "Files",
    "commenttext": "Comment",
    "attemptnumber": "Attempt",
    "pagenum": "Page",
    "firstpost": "First post",
    "teacherentry": "By a teacher",
    "sourceglossaryid": "From glossary",
    "concept": "Term",
}


def _label(one: Any) -> str:
    """A column's name for people."""
    return _WORDS.get(one.name, str(capfirst(one.name.replace("_", " "))))


def _files(activity: Activity, *, people: bool) -> QuerySet[File]:
    """The activity's files without folders; without the right to people's work, only its own."""
    found = (
        File.objects.filter(contextid=activity.contextid)
        .exclude(filename=".")
        .order_by("filearea", "filepath", "filename")
    )
    return found if people else found.filter(component=f"mod_{activity.modulename}", itemid=0)


def _kept(activity: Activity) -> Iterator[KeptPart]:
    sizes: dict[str, int] = {}
    for path, content in (
        KeptMember.objects.filter(activity=activity)
        .values_list("path", "content")
        .order_by("path", "position")
    ):
        sizes[path] = sizes.get(path, 0) + len(content)
    for path, size in sizes.items():
        yield KeptPart(path, size)
