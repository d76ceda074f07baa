"""Values that are hard for a field, by its field class, in the moods *bare*, *nasty* and *random*."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from types import UnionType
from typing import Any

from django.conf import settings

from courses import activities, registry, structure
from courses.fields import (
    ConditionTree,
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
    SiblingRef,
    Text,
    UserRef,
)
from courses.fields.banks import ContextInstance, FilterConditions, NextVersion
from courses.fields.logged import LoggedDetails, LoggedObject
from courses.fields.participants import MeetingDetails, Participants
from courses.fields.repeated import RepeatedId
from courses.fields.special import MethodGroup
from courses.models import Activity, Course, Role, User
from courses.structure import Model

BARE, NASTY, RANDOM = range(3)
LONGEST = 2**63 - 1

TEXTS = (
    "<b>&amp; &lt;\"'</b> ]]> <![CDATA[x]]> <!-- y --> <?z?>",
    "$@NULL@$x",
    "x$@NULL@$",
    "$@NULL",
    "back\\slash \\N \\. \\t %s %(x)s {0} $1",
    "  spaces  and\ttabs\tand\nlines\n",
    "\\.\n\\N\n",
    "שלום مرحبا \u202eright to left\u202c",
    "🙂👩‍👩‍👧‍👦 e\u0301 \u200b \u00a0 \u2028 \ufeff \U0010ffff",
    "&#13; &#x0; &nbsp; &amp;amp;",
    "' OR 1=1; --",
    "@@PLUGINFILE@@/a%20b.png?x=1&y=2",
)
INTEGERS = (LONGEST, -LONGEST - 1, 2**31, -1, 10**18 - 1, 1)
REALS = (0.1, -1e-9, 1e20, 5e-324, -123.5, 1 / 3)
LETTERS = "abc ÄÖß <>&\"' \n\t\\ 漢字 🙂 \u0301 0123 $@*% {}"


def text_of(size: int | None, number: int) -> str:
    """Return a nasty text of at most `size` characters; for odd numbers it has exactly `size`."""
    text = TEXTS[number % len(TEXTS)]
    if size is not None and number % 2:
        text = (text + "🙂<&" * size)[:size]
    return text if size is None else text[:size]


Fill = Callable[["Values", Any, Any, int, int], Any]


@dataclass
class Values:
    """Make values for the fields of `rows`; `fixed` are, by model and id, the columns that must not change any more.

    A field whose meaning is in neighbouring columns fixes these too.
    """

    rows: dict[Model, list[Any]]
    random: Random
    fixed: dict[tuple[Model, int], set[str]] = field(default_factory=dict)

    def of(self, model: Model | None) -> list[Any]:
        """Return the records of a model."""
        assert model is not None
        return self.rows[model]

    def value(self, one: Any, record: Any, mood: int, count: int) -> Any:
        """Return a value for a field, by its field class, the mood and a running number.

        A field whose meaning is in neighbouring columns sets and fixes these.
        """
        if mood == BARE and one.null and not isinstance(one, ForeignRef):
            return None
        for field_class, fill in FILLS:
            if isinstance(one, field_class):
                return fill(self, one, record, mood, count)
        raise AssertionError(f"Say in tests/values.py how a {type(one).__name__} is filled.")

    def _linked(self, one: ForeignRef, record: Any, mood: int, count: int) -> Any:
        return getattr(record, one.attname)

    def _sibling(self, one: SiblingRef, record: Any, mood: int, count: int) -> int:
        bare = isinstance(one, GradedItemRef) or (mood == BARE and not isinstance(one, ContextInstance))
        return 7 if bare else self._neighbour(one, record, count)

    def _own(self, one: RepeatedId, record: Any, mood: int, count: int) -> int:
        return int(record.pk)

    def _path(self, one: RefPath, record: Any, mood: int, count: int) -> str:
        return f"/{record.pk}/"

    def _list(self, one: RefList, record: Any, mood: int, count: int) -> str:
        found = self.of(structure.model_of_item_type(one.refers or ""))[:count]
        return "" if mood == BARE else ",".join(str(each.pk) for each in reversed(found))

    def _formula(self, one: Formula, record: Any, mood: int, count: int) -> str:
        items = self.of(structure.model_of_item_type("grade_item"))
        return "" if mood == BARE else f"=max(##gi{items[count % len(items)].pk}##; 2) <&>"

    def _scale(self, one: ScaleOrMaximum, record: Any, mood: int, count: int) -> int:
        scales = self.of(structure.model_of_item_type("scale"))
        return (0, -scales[count % len(scales)].pk, 100)[mood]

    def _real(self, one: Real, record: Any, mood: int, count: int) -> float:
        return (0.0, REALS[count % len(REALS)], self.random.uniform(-1000, 1000))[mood]

    def _integer(self, one: Int, record: Any, mood: int, count: int) -> int:
        upper = 2**33 if isinstance(one, Moment) else 100
        return (0, INTEGERS[count % len(INTEGERS)], self.random.randrange(-5, upper))[mood]

    def _next_version(self, one: NextVersion, record: Any, mood: int, count: int) -> int:
        return 2**63 - 1  # a backup writes no number that a version has

    def _text(self, one: Any, record: Any, mood: int, count: int) -> str:
        size = one.max_length
        if mood == BARE:
            return ""
        if mood == RANDOM:
            letters = (self.random.choice(LETTERS) for _ in range(self.random.randrange(size or 1000) + 1))
            return "".join(letters)
        if isinstance(one, RichText):
            return text_of(None, count) + self._links(count)
        return text_of(size, count)

    def _conditions_of_questions(self, one: FilterConditions, record: Any, mood: int, count: int) -> str:
        if mood == BARE:
            return ""
        category = self.of(structure.model_of_item_type("question_category"))[0].pk
        chosen = {"category": {"jointype": 1, "values": [category], "name": "<&> 🙂"}}
        whole = {"filter": chosen, "courseid": self.of(Course)[0].pk, "qpage": count}
        return json.dumps(whole, ensure_ascii=False, separators=(",", ":"))

    def _participants(self, one: Participants, record: Any, mood: int, count: int) -> str:
        if mood == BARE:
            return ""
        person = self.of(User)[count % len(self.of(User))].pk
        role = self.of(Role)[count % len(self.of(Role))].pk
        chosen = (("user", str(person)), ("role", str(role)), ("all", "all"))
        entries = [{"selectiontype": kind, "selectionid": which, "role": "viewer"} for kind, which in chosen]
        return json.dumps(entries, separators=(",", ":"))

    def _meeting(self, one: MeetingDetails, record: Any, mood: int, count: int) -> str:
        person = self.of(User)[count % len(self.of(User))].pk
        there = {"name": "Zoë <&> 🙂", "ext_user_id": str(person)}
        return "" if mood == BARE else json.dumps({"recordid": "r", "data": there}, separators=(",", ":"))

    def _logged(self, one: LoggedDetails, record: Any, mood: int, count: int) -> str:
        forum = self.of(structure.model_of_item_type("forum"))[0].pk
        said = {"forumid": forum, "courseid": str(self.of(Course)[0].pk), "mode": "<&> 🙂"}
        packed = (
            json.dumps(said, separators=(",", ":")) if mood == NASTY else f'a:1:{{s:7:"forumid";i:{forum};}}'
        )
        return "" if mood == BARE else base64.b64encode(packed.encode()).decode()

    def _links(self, count: int) -> str:
        """Return addresses of this site, which become tokens in an archive, and others, which do not."""
        found = list(self.of(Activity))
        activity = found[count % len(found)]
        course = self.of(Course)[0]
        root = settings.SITE_URL
        return (
            f' <a href="{root}/mod/{activity.modulename}/view.php?id={activity.pk}">x</a>'
            f" {root}/course/view.php?id={course.pk}#section-1 {root}/somewhere?id=1 http://example.com/mod/forum/view.php?id=1"
        )

    def _decimal(self, one: Number, record: Any, mood: int, count: int) -> Decimal:
        places = one.decimal_places
        largest = Decimal(f"{'9' * (one.max_digits - places)}.{'9' * places}")
        if mood == NASTY:
            return largest.copy_negate() if self.random.random() < 0.5 else largest
        return Decimal(0 if mood == BARE else self.random.randrange(10**6)).scaleb(-places)

    def _conditions(self, one: ConditionTree, record: Any, mood: int, count: int) -> str:
        if mood == BARE:
            return ""
        models: dict[tuple[str, str], Model | None] = {
            ("completion", "cm"): Activity,
            ("group", "id"): structure.model_of_item_type("group"),
            ("grouping", "id"): structure.model_of_item_type("grouping"),
        }
        tree = []
        for (condition, name), model in models.items():
            if model is not None:
                # Nobody completes a bank, and an archive for Moodle 4.5 has none.
                bank = registry.type_of_banks()
                there = [row for row in self.of(model) if getattr(row, "modulename", None) != bank]
                tree.append({"type": condition, name: there[count % len(there)].pk, "e": 1})
        tree.append({"type": "profile", "sf": "city", "op": "isequalto", "v": "Zürich <&> \"'\\ 🙂"})
        whole = {"op": "&", "c": [*tree, {"op": "|", "c": tree}], "showc": [True, False]}
        return json.dumps(whole, ensure_ascii=False, separators=(",", ":"))

    def _reference(self, one: Ref, record: Any, mood: int, count: int) -> int | None:
        if one.refers == "context" and mood != BARE:
            contexts: list[int] = [
                place.contextid for model in (Course, Activity) for place in self.of(model)
            ]
            return contexts[count % len(contexts)]
        model = structure.model_of_item_type(one.refers or "")
        if model is None and mood != BARE:
            return 41
        if model is None or (mood == BARE and not isinstance(one, UserRef) and one.name != "roleid"):
            return None if one.null else one.none
        found = self.of(model)
        return int(found[count % len(found)].pk)

    def _neighbour(self, one: SiblingRef, record: Any, count: int) -> int:
        """Return the id of a record of some item type, and set the neighbouring columns that tell the item type."""
        if isinstance(one, ItemRef):
            item_types: dict[Any, str] = dict(structure.item_types(one.declared_in))
            columns: tuple[str, ...] = one.by
        elif isinstance(one, GradeItemInstance):
            item_types = {("mod", name): name for name in activities.types()}
            item_types[("category", None)] = "grade_category"
            columns = ("itemtype", "itemmodule")
        elif isinstance(one, LoggedObject):
            item_types = {
                ("forum_posts",): "forum_post",
                ("assign_grades",): "grade",
                ("question_categories",): "question_category",
            }
            columns = ("objecttable",)
        elif isinstance(one, MethodGroup):
            item_types = {(method,): "group" for method in sorted(one.METHODS)}
            columns = ("enrol",)
        elif isinstance(one, ContextInstance):
            return self._context_of(one, record, count)
        else:
            assert isinstance(one, InstanceRef), (
                f"Say in tests/exhaustive.py how a {type(one).__name__} is filled."
            )
            item_types = {(name,): name for name in activities.types()}
            columns = (one.by,)
        found = [pair for pair in item_types.items() if self.of(structure.model_of_item_type(pair[1]))]
        says, item_type = found[count % len(found)]
        for column, text in zip(columns, says, strict=True):
            setattr(record, column, text)
        self.fix(record, *columns)
        records = self.of(structure.model_of_item_type(item_type))
        return int(records[count % len(records)].pk)

    def _context_of(self, one: ContextInstance, record: Any, count: int) -> int:
        """Return the id of a course or activity, and set the record's context level and context to it."""
        level, found = ((50, self.of(Course)), (70, self.of(Activity)))[count % 2]
        place = found[count % len(found)]
        setattr(record, one.by, level)
        record.contextid = place.contextid
        self.fix(record, one.by, "contextid")
        return int(place.pk)

    def fix(self, record: Any, *columns: str) -> None:
        """Fix these columns of a record: they get no other values."""
        self.fixed.setdefault((type(record), record.pk), set()).update(columns)


FILLS: tuple[tuple[type | UnionType, Fill], ...] = (
    (ForeignRef, Values._linked),
    (SiblingRef, Values._sibling),
    (ScaleOrMaximum, Values._scale),
    (RepeatedId, Values._own),
    (Ref, Values._reference),
    (Number, Values._decimal),
    (Real, Values._real),
    (NextVersion, Values._next_version),
    (Int, Values._integer),
    (ConditionTree, Values._conditions),
    (Participants, Values._participants),
    (FilterConditions, Values._conditions_of_questions),
    (MeetingDetails, Values._meeting),
    (LoggedDetails, Values._logged),
    (RefList, Values._list),
    (RefPath, Values._path),
    (Formula, Values._formula),
    (Text | LongText, Values._text),
)
"""The method for each field class; the first that matches is used."""
