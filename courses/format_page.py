"""The format's documentation: `docs/format.md`, generated from the layout and the models.

The texts here say what no table contains: how an archive is packed and how a value is written. The rest is generated from
the descriptions, so it cannot be out of date.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from inspect import getdoc

from archive import layout
from archive.inforef import GROUPS
from archive.layout import ARCHIVE_TYPES, Member
from courses import links, structure
from courses.completeness import UNARCHIVED_MODELS, reason_of
from courses.fields import (
    ArchiveField,
    BlockConfiguration,
    ConditionTree,
    ContextInstance,
    CriterionText,
    DelegateRef,
    Echo,
    FilterConditions,
    ForeignRef,
    Formula,
    GradedItemRef,
    GradeItemInstance,
    InstanceRef,
    Int,
    ItemRef,
    LongText,
    Moment,
    Number,
    Real,
    Ref,
    RefList,
    RefPath,
    RichText,
    ScaleOrMaximum,
    StepName,
    StepValue,
    Text,
    UserRef,
    Within,
)
from courses.fields.answers import ChosenAnswers
from courses.fields.logged import LoggedAddress, LoggedDetails, LoggedObject
from courses.fields.participants import MeetingDetails, Participants
from courses.fields.repeated import RepeatedId
from courses.fields.secrets import Key, Password, Secret
from courses.fields.special import MethodGroup, SpecialRef
from courses.members import Described, described
from courses.structure import Element, Wrapper

OF_PARENT = re.compile(r"\{parent\}\.(\w+) = '(\w+)'")
COMMAND = "manage.py describe --format > docs/format.md"

WORDS: dict[type[ArchiveField], str] = {
    Text: "text",
    LongText: "long text",
    RichText: "rich text",
    Int: "integer",
    Moment: "moment",
    Number: "decimal",
    Ref: "reference",
    UserRef: "person",
    ForeignRef: "reference",
    ItemRef: "item",
    ScaleOrMaximum: "scale or maximum",
    RefList: "list of references",
    ConditionTree: "conditions",
    Real: "real",
    RepeatedId: "repeated id",
    SpecialRef: "reference or a word",
    InstanceRef: "instance",
    DelegateRef: "owner of a section",
    GradeItemInstance: "instance or category",
    ContextInstance: "owner of a context",
    GradedItemRef: "graded record",
    MethodGroup: "group of a method",
    LoggedObject: "logged record",
    LoggedDetails: "logged details",
    LoggedAddress: "logged page",
    RefPath: "path",
    Formula: "calculation",
    FilterConditions: "conditions of questions",
    BlockConfiguration: "configuration of a block",
    CriterionText: "name with an id",
    StepName: "name of a variable",
    StepValue: "value of a variable",
    ChosenAnswers: "chosen answers",
    Participants: "participants",
    MeetingDetails: "meeting details",
    Key: "key",
    Password: "password",
    Secret: "secret",
}
"""The name of each field class on this page."""

INTRODUCTION = f"""# The format of an archive

Generated from the models and `archive/layout.py` by `{COMMAND}`; do not edit it.
The same descriptions give a RELAX NG schema of each member: `manage.py describe --schema PATH`.

An archive (`.mbz`) is a tar.gz or a zip. In a tar.gz the first member is `.ARCHIVE_INDEX`: a line
`Moodle archive file index. Count: N`, then a line for each member with path, type (`f` or `d`), size and
time, with tabs between. Then come `{layout.MANIFEST}` (what the archive is, what is in it, with which
options it was made), `{layout.FILES}`, the other XML sorted by file name, then by path, `{layout.LOG}` (empty), and
at the end the contents of files, each once, as `files/ab/abcdef...`: the SHA-1 of the content after its
first two digits. The empty content need not be there.

After `<information>`, the manifest of an archive that Coursekeep wrote has an element `<integrity>`, which Moodle ignores:
`<members>` with a line for each member but itself and the contents of files (SHA-256 in hex, two spaces, path, as `sha256sum`
writes and checks), at most 5000 lines each; `<contents>` with the number of contents, the sum of their sizes and the SHA-256 of
the lines `path size` in the order of the paths; and `<signature>`, an HMAC-SHA-256 of the SHA-256 of all bytes of the manifest
before it, with a key of the site that `key` identifies.

XML is UTF-8. Between tags stand `&amp;`, `&lt;` and `&gt;`, line ends are LF, control characters are left
out. NULL is the text `$@NULL@$`; an element without text is the empty text. `@@PLUGINFILE@@` in rich text
stands for the address of the record's files. Addresses of the site are tokens (see the end) where their
target is known.

The fields of a record may stand in any order; this page and Coursekeep have one. Elements and members that
are not named here, and members that are marked as *opaque*, are preserved and written again. References in
them are recognised by their names (`userid`, `groupid`, `moduleid`, ...).
"""


def document() -> str:
    """Return the whole page, in Markdown."""
    blocks = [INTRODUCTION, _field_types(), _members(), *_described(), _tokens(), _inforef(), _unarchived()]
    return "\n".join(block.rstrip("\n") + "\n" for block in blocks)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    cells = [list(head), *(list(row) for row in rows)]
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in cells]
    lines.insert(1, "|" + "---|" * len(cells[0]))
    return "\n".join(lines) + "\n"


def _first_line(thing: object) -> str:
    return (getdoc(thing) or "").split("\n\n")[0].replace("\n", " ")


def _field_types() -> str:
    rows = [
        (word, _first_line(field_class))
        for field_class, word in WORDS.items()
        if field_class is not ForeignRef
    ]
    return "## Types of value\n\n" + _table(("type", "meaning"), rows)


def _members() -> str:
    rows = [
        (f"`{one.path}`", one.member.root, _contents(one), *_conditions(one.member)) for one in described()
    ]
    head = ("member", "root", "holds", "option", "with people only", "in archives of")
    note = (
        "An optional member is left out when there is nothing to write; the others are there, empty. Where an"
        " option is named, the member is empty or missing without it.\n"
    )
    return f"## Members\n\n{note}\n" + _table(head, rows)


def _contents(one: Described) -> str:
    if one.opaque:
        return "*opaque*, optional" if one.member.optional else "*opaque*"
    tops = [one.record] if one.record else list(structure.elements_of(one.body))
    return ", ".join(dict.fromkeys(f"`<{'/'.join(top.path)}>`" for top in tops))


def _conditions(member: Member) -> tuple[str, str, str]:
    archive_types = ", ".join(
        archive_type
        for archive_type in ("course", "section", "activity")
        if archive_type in member.archive_types
    )
    archive_types = "all" if member.archive_types == ARCHIVE_TYPES else archive_types
    if member.with_all_grades:
        archive_types = "course; a section or activity if all that is graded is in it"
    return f"`{member.option}`" if member.option else "", "yes" if member.userdata else "", archive_types


def _described() -> Iterator[str]:
    """Yield a chapter for each member that a model describes."""
    for one in described():
        if one.opaque:
            continue
        root = one.record.tag if one.record else one.member.root
        attributes = "".join(f" {name}" for name in one.attributes)
        parts = [f"## {one.path}\n"]
        if one.record is None:
            parts.append(f"Root: `<{root}{attributes}>`.\n")
            for node in one.body:
                parts += _node(node, f"{root}/")
        else:
            parts += _record(one.record, one.record.tag)
        yield "\n".join(parts)


def _node(node: Wrapper | Element, above: str) -> Iterator[str]:
    if isinstance(node, Element):
        yield from _record(node, above + node.tag)
        return
    for inner in node.body:
        yield from _node(inner, f"{above}{node.tag}/")


def _record(element: Element, path: str) -> Iterator[str]:
    """Yield a record's heading, its table of fields, and then the records nested in it."""
    yield f"### {path}\n\n{' '.join(_sentences(element))}\n"
    rows = [("`@id`", "integer", "", "", "", "")] if element.model.archive_meta.numbered else []
    rows += [_row(field) for field in (*element.attributes, *element.leaves)]
    rows += [_echo(echo, element) for echo in element.echoes]
    if rows:
        yield _table(("element", "type", "null", "default", "refers to", "notes"), rows)
    for node in element.body:
        yield from _node(node, f"{path}/")


def _sentences(element: Element) -> Iterator[str]:
    model, archive_meta = element.model, element.model.archive_meta
    yield _first_line(model)
    if archive_meta.item_type and archive_meta.unique:
        yield f"Item type: `{archive_meta.item_type}`."
    if not archive_meta.unique:
        yield "Its id is not unique and may be empty."
    if archive_meta.userdata:
        exception = f", except where `{archive_meta.person}` is NULL or 0" if archive_meta.person else ""
        yield f"Userdata: written with people only{exception}."
    if archive_meta.personal:
        yield "Left out of anonymised archives."
    if archive_meta.option:
        yield f"Governed by the option `{archive_meta.option}`."
    if match := OF_PARENT.fullmatch(element.where):
        yield f"Only in a record whose `{match[1]}` is `{match[2]}`."
    if element.shown:
        yield "Written for information; a restore does not read it."
    for name, areas in (("File areas", archive_meta.files), ("Areas of comments", archive_meta.comments)):
        if areas:
            yield f"{name} by its id: {', '.join(f'`{area}`' for area in areas)}."


def _row(field: ArchiveField) -> tuple[str, str, str, str, str, str]:
    name = f"`@{field.tag}`" if field.attribute else f"`{field.tag}`"
    refers = f"`{field.refers}`" if field.refers else ""
    if isinstance(field, ItemRef):
        refers = f"by `{field.by[0]}` and `{field.by[1]}`"
    null = "yes" if field.null else ""
    return name, _type(field), null, _default(field), refers, "; ".join(_notes(field))


def _type(field: ArchiveField) -> str:
    word = next(WORDS[base] for base in type(field).__mro__ if base in WORDS)
    if isinstance(field, Text):
        return f"{word}({field.max_length})"
    if isinstance(field, Number):
        return f"{word}({field.max_digits},{field.decimal_places})"
    return word


def _default(field: ArchiveField) -> str:
    missing = field.missing()
    return "NULL" if missing is None else f"`{missing}`" if missing else "empty"


def _notes(field: ArchiveField) -> Iterator[str]:
    if field.shifts:
        yield "moves with the start date"
    if isinstance(field, Ref) and field.none:
        yield f"`{field.none}` is none"
    if field.since:
        yield f"since {field.since}"
    if field.optional:
        yield "left out when NULL"
    if field.personal:
        yield f"anonymised: {field.personal}"


def _echo(echo: Echo, element: Element) -> tuple[str, str, str, str, str, str]:
    null = "yes" if echo.null else ""
    if echo.expression:
        return f"`{echo.name}`", "text", null, "", "", "stored elsewhere; not read"
    return f"`{echo.name}`", "integer", null, "", "", "the id of the record around it; not read"


def _tokens() -> str:
    rows = [
        (
            f"`$@{link.token}{''.join('*ID' for _ in link.item_types)}@$`",
            f"`{link.address}`" + (", with percent signs, in another address" if link.inside else ""),
            ", ".join(link.item_types),
        )
        for link in links.links().values()
    ]
    rows.append(
        ("`$@TYPEVIEWBYID*ID@$`", "`/mod/TYPE/view.php?id=$1`", "course_module, of any type of activity")
    )
    rows += [(f"`{token}`", f"`{address}`", "") for token, address in links.PAGES.items()]
    rows.append(("`$@TYPEINDEX*ID@$`", "`/mod/TYPE/index.php?id=$1`", "course, for any type of activity"))
    return "## Tokens of links\n\n" + _table(("token", "address", "ids of"), rows)


def _inforef() -> str:
    rows = [(f"`<{group}>`", f"`<{tag}><id>`", item_type) for item_type, (group, tag) in GROUPS.items()]
    note = (
        "The course, each section, activity and block has an `inforef.xml` beside its members: the ids of the records"
        " that they refer to, so that a reader knows what it needs. Other groups in it are preserved.\n"
    )
    return f"## inforef.xml\n\n{note}\n" + _table(("group", "in it", "item type"), rows)


def _unarchived() -> str:
    rows = [
        (f"`{model._meta.label}`", f"`{column.name}`", reason_of(column) or "")
        for model in structure.archived_models()
        for column in model._meta.concrete_fields
        if not column.primary_key and reason_of(column) and not _is_nesting(model, column.name)
    ]
    rows += [(f"`{label}`", "all", reason) for label, reason in UNARCHIVED_MODELS.items()]
    return "## Columns that do not travel\n\n" + _table(("model", "column", "because"), rows)


def _is_nesting(model: structure.Model, name: str) -> bool:
    return isinstance(model._meta.get_field(name), Within) or name == "owner"
