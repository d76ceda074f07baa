"""The gradebook: categories and items as a tree, grades of all people as a table, letters, scales and outcomes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from archive.numbers import whole_or
from archive.secrets import shown
from courses.models import User
from courses.models.grades import (
    GradeCategory,
    GradeGrade,
    GradeItem,
    GradeLetter,
    GradeSetting,
    Outcome,
    Scale,
)
from courses.registry import activity_label
from viewer.lookups import Phrase
from viewer.page_context import PageContext, fact, facts, marks, table
from viewer.panels import Detail, Entry, Panel, Sheet, Table, Value
from viewer.presentation import Presentation
from viewer.words import AGGREGATION, DASH, number

VALUE, SCALE, TEXT = 1, 2, 3
MOST_PEOPLE, FEWEST_PEOPLE, CELLS = 25, 5, 1_500
"""People on a page of the table of grades: fewer where there are many items, so that the table has about so many cells."""

ITEM = re.compile(r"##gi([0-9]{1,18})##")


def present(page: PageContext) -> Iterator[Panel]:
    """Yield the table of grades, then categories and items, letters, scales, outcomes and settings."""
    items = list(GradeItem.objects.filter(course=page.course).order_by("sortorder", "pk"))
    categories = list(GradeCategory._base_manager.filter(course=page.course).order_by("depth", "pk"))
    names = {one.pk: one.fullname for one in categories}
    graded = GradeGrade._base_manager.filter(item__course=page.course, finalgrade__isnull=False).values(
        "userid"
    )
    people = User.objects.filter(pk__in=graded).order_by("lastname", "firstname", "pk")
    yield page.listed(
        "Grades",
        people,
        lambda rows: _grades(page, items, names, rows),
        size=max(FEWEST_PEOPLE, min(MOST_PEOPLE, CELLS // max(1, len(items)))),
        userdata=True,
    )
    if items or categories:
        yield Panel(
            "Categories and items", len(items), entries=tuple(_tree(page, categories, items)), style="outline"
        )
    letters = GradeLetter._base_manager.filter(contextid=page.course.contextid).order_by("-lowerboundary")
    yield page.listed("Letters", letters, _letters, size=100)
    scales = Scale._base_manager.filter(course=page.course).order_by("name", "pk")
    yield page.listed("Scales", scales, lambda rows: _scales(page, rows))
    outcomes = Outcome._base_manager.filter(course=page.course).order_by("fullname", "pk")
    yield page.listed("Outcomes", outcomes, lambda rows: _outcomes(page, rows))
    settings = GradeSetting._base_manager.filter(course=page.course).order_by("name")
    yield page.listed(
        "Settings",
        settings,
        lambda rows: table("Setting | Value", ((row.name, shown(row.name, row.value) or "") for row in rows)),
        size=100,
    )


def item_name(item: Any, categories: dict[int, str], course: Any) -> str:
    """Return the name of a grade item: the activity's, or the total of a category or of the course."""
    if item.itemtype == "course":
        return "Course total"
    if item.itemtype == "category":
        return f"{categories.get(item.iteminstance, 'Category')}: total"
    return item.itemname or "Item without a name"


def _grades(page: PageContext, items: list[Any], names: dict[int, str], people: list[Any]) -> Table:
    given = {
        (row.userid, row.item_id): row
        for row in GradeGrade._base_manager.filter(item__in=items, userid__in=[one.pk for one in people])
    }
    heads = [item_name(item, names, page.course) for item in items]
    rows = []
    for person in people:
        cells = [Value("Person", str(person))]
        for item, head in zip(items, heads, strict=True):
            grade = given.get((person.pk, item.pk))
            cells.append(Value(head, _shown(page, item, grade) if grade else ""))
        rows.append(tuple(cells))
    return Table(("Person", *heads), tuple(rows), numeric=frozenset(range(1, len(items) + 1)), wide=True)


def _shown(page: PageContext, item: Any, grade: Any) -> Any:
    if grade.finalgrade is None:
        return DASH
    if item.gradetype == SCALE and item.scaleid:
        return page.graded(grade.finalgrade, -item.scaleid)
    return number(grade.finalgrade, 2 if item.decimals is None else item.decimals)


def _tree(page: PageContext, categories: list[Any], items: list[Any]) -> Iterable[Entry]:
    names = {one.pk: one.fullname for one in categories}
    inside: dict[int, list[Any]] = {}
    totals = {}
    for item in items:
        if item.itemtype in ("course", "category"):
            totals[item.iteminstance] = item
        else:
            inside.setdefault(item.categoryid or 0, []).append(item)
    children: dict[int, list[Any]] = {}
    for one in categories:
        children.setdefault(one.parent if one.parent in names else 0, []).append(one)

    def shown(one: Any) -> Entry:
        total = totals.get(one.pk)
        rows = (
            *(shown(child) for child in children.pop(one.pk, [])),
            *(_item(page, item, names) for item in inside.pop(one.pk, [])),
        )
        return Entry(
            title=page.course.fullname if one.fullname == "?" else one.fullname,
            address=page.address("grades", total.pk) if total and page.people else "",
            marks=("Category", *marks(Hidden=one.hidden)),
            facts=facts(
                fact("Grade", AGGREGATION.get(one.aggregation, one.aggregation)),
                fact("Highest kept", one.keephigh or ""),
                fact("Lowest dropped", one.droplow or ""),
                *(_about(page, total) if total else ()),
            ),
            below=rows,
        )

    tree = [shown(one) for one in children.pop(0, [])]
    return [*tree, *(_item(page, item, names) for rows in inside.values() for item in rows)]


def _item(page: PageContext, item: Any, names: dict[int, str]) -> Entry:
    return Entry(
        title=item_name(item, names, page.course),
        address=page.address("grades", item.pk) if page.people else "",
        marks=(
            {"manual": "By hand"}.get(item.itemtype, activity_label(item.itemmodule or item.itemtype)),
            *marks(Hidden=item.hidden, Locked=item.locked),
        ),
        facts=_about(page, item),
    )


def _about(page: PageContext, item: Any) -> tuple[Value, ...]:
    activity = ("activity", item.activity_id) if item.activity_id else ""
    return facts(
        fact("From", "the activity" if activity else "", address=activity),
        fact(
            "Range",
            f"{number(item.grademin, 2)} to {number(item.grademax, 2)}" if item.gradetype == VALUE else "",
        ),
        fact("Scale", page.named("scale", item.scaleid)),
        fact("Outcome", page.named("outcome", item.outcomeid)),
        fact("To pass", number(item.gradepass, 2) if item.gradepass else ""),
        fact("Calculation", _calculation(page, item.calculation) if item.calculation else ""),
        fact("Weight", number(item.aggregationcoef2, 4) if item.weightoverride else ""),
        fact("ID number", item.idnumber),
    )


def _calculation(page: PageContext, formula: str) -> Phrase:
    """Return a formula with the names of its items: “##gi12##” stands for item 12."""
    parts = ITEM.split(formula)
    named = [
        Phrase("[", page.named("grade_item", whole_or(part), instead=f"item {part}"), "]") if n % 2 else part
        for n, part in enumerate(parts)
    ]
    return Phrase(*named)


def _letters(rows: list[Any]) -> Table:
    return table(
        "Letter | From", ((row.letter, f"{number(row.lowerboundary, 2)} %") for row in rows), numeric=[1]
    )


def _scales(page: PageContext, rows: list[Any]) -> Iterable[Entry]:
    for row in rows:
        said = page.rich(
            "", row, "description", area="grade/scale", item=row.pk, contextid=page.course.contextid
        )
        yield Entry(title=row.name, texts=(said,), facts=(fact("From bad to good", row.scale),))


def _outcomes(page: PageContext, rows: list[Any]) -> Iterable[Entry]:
    for row in rows:
        said = page.rich(
            "", row, "description", area="grade/outcome", item=row.pk, contextid=page.course.contextid
        )
        small = facts(fact("Short name", row.shortname), fact("Scale", page.named("scale", row.scaleid)))
        yield Entry(title=row.fullname, texts=(said,), facts=small)


def grades(page: PageContext, number_: int) -> Sheet:
    """Return the sheet of all grades of one item, with feedback and overrides."""
    item = page.one(GradeItem.objects.filter(course=page.course), number_)
    names = dict(GradeCategory._base_manager.filter(course=page.course).values_list("pk", "fullname"))
    about = Panel("This item", facts=_about(page, item))
    given = GradeGrade._base_manager.filter(item=item).order_by("userid", "pk")
    return Sheet(
        item_name(item, names, page.course),
        (about, page.listed("Grades", given, lambda rows: _item_grades(page, item, rows), size=50)),
    )


def _item_grades(page: PageContext, item: Any, rows: list[Any]) -> Iterable[Entry]:
    place = item.activity.contextid if item.activity_id else page.course.contextid
    for row in rows:
        yield Entry(
            title=page.person(row.userid),
            when=row.timemodified,
            marks=(
                _shown(page, item, row) if row.finalgrade is not None else "no grade",
                *marks(
                    Overridden=row.overridden, Excluded=row.excluded, Hidden=row.hidden, Locked=row.locked
                ),
            ),
            texts=(
                page.rich("Feedback", row, "feedback", area="grade/feedback", item=row.pk, contextid=place),
            ),
            files=page.files(row.pk, "grade/feedback", contextid=place),
            facts=facts(
                fact("Raw grade", number(row.rawgrade, 2)),
                fact("Given by", page.person(row.usermodified)),
                fact("Overridden", row.overridden if row.overridden > 1 else "", "moment"),
                fact("Note", row.information),
            ),
        )


PRESENTATION = Presentation(
    present,
    details={"grades": Detail(grades)},
    title="Gradebook",
    order=10,
    holds=lambda: GradeItem.objects.order_by(),
)
