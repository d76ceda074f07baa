"""The kinds of field: any value that a column can hold goes into XML and comes back the same."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from archive import xml
from backup.output import Output
from courses import structure
from courses.bulk import CopyTable
from courses.fields import (
    NULL,
    ArchiveField,
    ConditionTree,
    FieldError,
    ForeignRef,
    Int,
    LongText,
    Moment,
    Number,
    Parse,
    Reading,
    Real,
    Ref,
    RefList,
    Rendering,
    RichText,
    ScaleOrMaximum,
    Text,
    UserRef,
)
from courses.fields.secrets import Secret

LARGEST = 2**63 - 1
GONE = 13
"""The one record that never comes."""


class Shifted:
    """New ids are old ids and a thousand; what is given there never came."""

    def mention(self, kind: str, old: int) -> int | None:
        return None if old == GONE else old + 1000


class Same:
    """Every id stays as it is."""

    def mention(self, kind: str, old: int) -> int | None:
        return old


def there_and_back(one: Any, values: Iterable[Any]) -> list[Any]:
    """Return what values become that are rendered by SQL, read by lxml, parsed, and written by COPY."""
    one.set_attributes_from_name("value")
    type_ = one.db_type(connection)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE probe (id bigint, value {type_})")
        cursor.executemany("INSERT INTO probe VALUES (%s, %s)", list(enumerate(values)))
        cursor.execute(f"SELECT id, {one.sql('probe.value', Rendering())} FROM probe ORDER BY id")
        document = io.BytesIO()
        output = Output(document, root="http://site.example")
        output.write("<rows>")
        for _, text in cursor.fetchall():
            output.write(f'<row a="{text}"/>' if one.attribute else f"<row>{text}</row>")
        output.write("</rows>")
        output.flush()
        parse, table = one.parser(Reading(Same())), CopyTable("probe", ("id", "value"))
        cursor.execute("TRUNCATE probe")
        for number, node in enumerate(xml.parse(document.getvalue(), member="probe.xml")):
            text = (node.get("a") if one.attribute else node.text) or ""
            table.add([str(number), None if text == NULL else parse(text)])
        table.flush()
        cursor.execute("SELECT value FROM probe ORDER BY id")
        found = [value for (value,) in cursor.fetchall()]
        cursor.execute("DROP TABLE probe")
    return found


def cleaned(text: str) -> str:
    """Return the part of a text that XML can hold: no control characters, lines that end with LF."""
    return xml.parse(f"<x>{xml.escape(text)}</x>".encode(), member="x").text or ""


def everything(limit: int | None = None) -> st.SearchStrategy[str]:
    """Texts of all characters that PostgreSQL takes, with the marks of XML, COPY and the format among them."""
    marks = st.sampled_from(
        [
            "&amp;",
            "]]>",
            "<![CDATA[",
            "\\N",
            "\\.",
            "\\",
            NULL,
            "\r\n",
            "\t",
            "\uffff",
            "\ufffe",
            "&#10;",
            "'\"",
            "%s",
        ]
    )
    letters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
    parts = st.lists(st.one_of(marks, letters), max_size=30).map("".join)
    return parts.map(lambda text: text[:limit]) if limit else parts


many = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
numbers = st.one_of(
    st.integers(-LARGEST - 1, LARGEST), st.sampled_from([LARGEST, -LARGEST - 1, 10**18, 0, -1])
)


@pytest.mark.django_db
@pytest.mark.parametrize("one", [Text(40), Text(40, null=True), LongText(null=True), RichText()], ids=repr)
@many
@given(data=st.data())
def test_any_text_comes_back_but_for_what_xml_cannot_hold(one: Any, data: st.DataObject) -> None:
    values: list[str | None] = data.draw(st.lists(everything(one.max_length), max_size=20))
    assume(NULL not in [cleaned(value or "") for value in values])
    if one.null:
        values.append(None)
    assert there_and_back(one, values) == [None if value is None else cleaned(value) for value in values]


@pytest.mark.django_db
@many
@given(values=st.lists(everything(100), max_size=20))
def test_any_text_comes_back_from_an_attribute(values: list[str]) -> None:
    assume(NULL not in [cleaned(value) for value in values])
    assert there_and_back(Text(100, attribute=True), values) == [cleaned(value) for value in values]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "one", [Int(), Int(null=True), Moment(), Moment(null=True, shifts=True), ScaleOrMaximum()], ids=repr
)
@many
@given(values=st.lists(numbers, max_size=30))
def test_any_integer_comes_back(one: Any, values: list[int | None]) -> None:
    if one.null:
        values = [*values, None]
    assert there_and_back(one, values) == values


@pytest.mark.django_db
@pytest.mark.parametrize("one", [Ref("thing"), UserRef(null=True), Ref("thing", none=-1)], ids=repr)
@many
@given(values=st.lists(st.integers(-1, LARGEST), max_size=30))
def test_any_reference_comes_back(one: Any, values: list[int]) -> None:
    assert there_and_back(one, values) == values


@pytest.mark.django_db
@many
@given(data=st.data(), digits=st.integers(1, 38), places=st.integers(0, 20), null=st.booleans())
def test_any_decimal_comes_back(data: st.DataObject, digits: int, places: int, null: bool) -> None:
    assume(places <= digits)
    one = Number(max_digits=digits, decimal_places=places, null=null, default=0)
    largest = 10**digits - 1
    drawn = st.one_of(st.integers(-largest, largest), st.sampled_from([largest, -largest]))
    values = [Decimal(f"{number}E-{places}") for number in data.draw(st.lists(drawn, max_size=20))]
    expected = [*values, None] if null else values
    assert there_and_back(one, expected) == expected


@pytest.mark.django_db
@many
@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=30))
def test_any_real_comes_back(values: list[float]) -> None:
    assert there_and_back(Real(), values) == values


@pytest.mark.django_db
@many
@given(lists=st.lists(st.lists(st.integers(1, LARGEST), max_size=6), max_size=10))
def test_any_list_of_references_comes_back(lists: list[list[int]]) -> None:
    values = [",".join(map(str, each)) for each in lists]
    assert there_and_back(RefList("thing"), values) == values


@pytest.mark.django_db
def test_half_a_character_in_conditions_stays_as_json_names_it() -> None:
    assert there_and_back(ConditionTree(), ['{"v":"\\ud800"}']) == ['{"v":"\\ud800"}']


trees = st.recursive(
    st.fixed_dictionaries(
        {"type": st.just("profile"), "v": everything(20).map(cleaned), "n": st.none() | st.booleans()}
    ),
    lambda inner: st.fixed_dictionaries({"op": st.sampled_from("&|"), "c": st.lists(inner, max_size=3)}),
)


@pytest.mark.django_db
@many
@given(values=st.lists(trees, max_size=5))
def test_any_conditions_come_back(values: list[Any]) -> None:
    texts = [json.dumps(value) for value in values]
    assert [json.loads(text) for text in there_and_back(ConditionTree(), texts)] == values


def parsed(one: ArchiveField, text: str, *, shift: int = 0) -> str | None:
    """The value as COPY gets it, with ids of this site."""
    return one.parser(Reading(Shifted(), shift))(text)


@pytest.mark.parametrize(
    ("one", "text", "value"),
    [
        (Ref("thing"), "5", "1005"),
        (Ref("thing"), "0", "0"),
        (Ref("thing"), "-1", "-1"),
        (Ref("thing"), "", "0"),
        (Ref("thing", null=True), "", None),
        (Ref("thing"), str(GONE), "0"),
        (Ref("thing", none=-1), str(GONE), "-1"),
        (Ref("thing", null=True), str(GONE), None),
        (UserRef(), "5", "1005"),
        (ScaleOrMaximum(), "100", "100"),
        (ScaleOrMaximum(), "-5", "-1005"),
        (ScaleOrMaximum(), str(-GONE), "0"),
        (RefList("thing"), f"1, {GONE},3", "1001,1003"),
        (RefList("thing"), "", ""),
        (ForeignRef("thing", "courses.Section"), "5", "1005"),
        (Int(), "", "0"),
        (Int(), "007", "007"),
        (ConditionTree(), "not json \\", "not json \\\\"),
    ],
    ids=repr,
)
def test_references_become_ids_of_this_site(one: ArchiveField, text: str, value: str | None) -> None:
    assert parsed(one, text) == value


def test_conditions_name_records_of_this_site_and_nobody_for_what_did_not_come() -> None:
    text = '{"op":"&","c":[{"type":"group","id":5},{"type":"completion","cm":6},{"type":"group","id":13}]}'
    conditions = ConditionTree()
    assert conditions.holds_links(text)
    relinked = conditions.relink(
        text, known=lambda kind, old: None if old == 13 else 1000 + old, root="", original=""
    )
    found = [(one.get("id") or one.get("cm") or 0) for one in json.loads(relinked)["c"]]
    assert found == [1005, 1006, -1]


def test_every_kind_of_condition_at_every_depth_names_what_is_here() -> None:
    kinds = [
        '{"type":"completion","cm":6,"e":1}',
        '{"type":"completion","cm":-1,"e":1}',
        '{"type":"grade","id":7,"min":50}',
        '{"type":"group","id":8}',
        '{"type":"group"}',
        '{"type":"grouping","id":9}',
        '{"type":"grouping","activity":true}',
        '{"type":"profile","sf":"id","op":"isequalto","v":"5"}',
        '{"type":"date","d":">=","t":100}',
        '{"type":"nobody_knows","id":5,"cm":6,"t":100}',
    ]
    inner = f'{{"op":"!&","c":[{",".join(kinds)}],"show":true}}'
    text = f'{{"op":"|","c":[{inner},{{"op":"&","c":[{inner}]}}],"showc":[true,false]}}'
    relinked = ConditionTree().relink(text, known=lambda kind, old: 1000 + old, root="", original="")
    expected = text
    for name, old in (
        ('"cm":6,"e"', 6),
        ('"id":7,"min"', 7),
        ('"group","id":8', 8),
        ('"grouping","id":9', 9),
    ):
        expected = expected.replace(name, name.replace(str(old), str(1000 + old)))
    assert relinked == expected
    assert {kind for kind, _ in ConditionTree.mentioned(text)} == {
        "course_module", "grade_item", "group", "grouping",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        (
            '{"op":"&","c":[{"type":"date","d":">=","t":100}]}',
            '{"op":"&","c":[{"type":"date","d":">=","t":110}]}',
        ),
        ('{"c":[{"op":"|","c":[{"type":"date","t":5}]}]}', '{"c":[{"op":"|","c":[{"type":"date","t":15}]}]}'),
        ('{"c": [{"type": "date", "t": 0}]}', '{"c": [{"type": "date", "t": 0}]}'),
        ('{"c": [{"type": "date", "t": true}]}', '{"c": [{"type": "date", "t": true}]}'),
        ('{"c": [{"type": "other", "t": 100}]}', '{"c": [{"type": "other", "t": 100}]}'),
        ("no tree", "no tree"),
    ],
)
def test_dates_in_conditions_move_with_the_start_date(text: str, moved: str) -> None:
    assert parsed(ConditionTree(), text, shift=10) == moved
    assert parsed(ConditionTree(), text) == text


def test_a_moment_moves_with_the_start_date_when_it_is_set_and_says_so() -> None:
    assert parsed(Moment(shifts=True), "100", shift=10) == "110"
    assert parsed(Moment(shifts=True), "0", shift=10) == "0"
    assert parsed(Moment(), "100", shift=10) == "100"


def test_a_moment_that_no_column_would_hold_when_it_has_moved_stays() -> None:
    latest = 2**63 - 1
    for moment, moved in ((latest - 10, latest), (latest - 9, latest - 9), (latest, latest)):
        assert parsed(Moment(shifts=True), str(moment), shift=10) == str(moved)
        conditions = f'{{"op":"&","c":[{{"type":"date","t":{moment}}}]}}'
        assert f'"t":{moved}' in str(parsed(ConditionTree(), conditions, shift=10))


@pytest.mark.parametrize(
    ("one", "text", "expected"),
    [
        (Int(), "100.00000", "100"),
        (Int(), "-3.0", "-3"),
        (Int(), "", "0"),
        (Ref("thing"), "7.00", "1007"),
        (Number(max_digits=5, decimal_places=2, default=1), "", "1"),
        (Number(max_digits=5, decimal_places=2, null=True), "", None),
        (Real(), "", "0"),
    ],
    ids=repr,
)
def test_numbers_as_older_versions_write_them_are_read(
    one: ArchiveField, text: str, expected: str | None
) -> None:
    assert parsed(one, text) == expected


@pytest.mark.parametrize(
    ("one", "text", "said"),
    [
        (Number(max_digits=5, decimal_places=2), "", "should be a number, and is ''"),
        (Int(), "three", "should be a whole number, and is 'three'"),
        (Int(), "1.5", "should be a whole number"),
        (Int(), "٣", "should be a whole number"),
        (Int(), str(LARGEST + 1), "should be a whole number"),
        (Int(), str(-LARGEST - 2), "should be a whole number"),
        (Ref("thing"), "x" * 100, f"is '{'x' * 40}'"),
        (Number(max_digits=5, decimal_places=2), "1,5", "should be a number, and is '1,5'"),
        (Number(max_digits=5, decimal_places=2), "1000", "has more than 3 digits before the point"),
        (Number(max_digits=5, decimal_places=2), "999.999", "has more than 3 digits before the point"),
        (Number(max_digits=38, decimal_places=19), "9" * 19 + "." + "9" * 19 + "5", "more than 19 digits"),
        (Number(max_digits=5, decimal_places=2), "NaN", "should be a number"),
        (Real(), "1e400", "should be a number that a computer can keep, and is '1e400'"),
        (Real(), "1e-400", "should be a number that a computer can keep"),
        (Real(), "NaN", "should be a number, and is 'NaN'"),
        (Text(3), "🙂🙂🙂🙂", "has 4 characters, and 3 are allowed"),
    ],
    ids=repr,
)
def test_what_does_not_fit_is_refused_with_the_end_of_a_sentence(
    one: ArchiveField, text: str, said: str
) -> None:
    with pytest.raises(FieldError, match=said.replace("(", r"\(")):
        parsed(one, text)


def test_people_are_pseudonyms_where_they_are_hidden() -> None:
    hidden = Rendering(anonymize=True, pseudonym=lambda column: f"hide({column})")
    one = UserRef()
    one.set_attributes_from_name("userid")
    assert one.sql("t.userid", hidden) == "(hide(t.userid))::text"
    assert one.sql("t.userid", Rendering()) == "t.userid::text"


def test_migrations_know_plain_fields_only() -> None:
    for one in (
        Text(3),
        Moment(shifts=True),
        UserRef(),
        RefList("thing"),
        Number(max_digits=3, decimal_places=1),
    ):
        _, path, _, options = one.deconstruct()
        assert path.startswith("django.db.models.")
        assert not {"kind", "shifts", "personal", "tag", "none"} & set(options)


class Asked:
    """References that nobody may ask."""

    def mention(self, item_type: str, old: int) -> int | None:
        raise AssertionError(f"A value that is kept refers to a {item_type}.")

    arrive = known = mention


def test_a_value_that_a_restore_keeps_depends_on_its_text_alone() -> None:
    fields = [
        one
        for model in structure.archived_models()
        for element in [structure.element(model)]
        for one in (*element.attributes, *element.leaves)
    ]
    kept = [one for one in fields if one.kept]
    assert len(kept) > 500
    assert not [one for one in kept if one.refers or one.secret or one.needs_row]
    for one in kept:
        parse, again = one.parser(Reading(Asked())), one.parser(Reading(Asked()))
        for text in ("", "0", "7", "-3", "100.00", "1.5", "a b", "\\"):
            assert said(parse, text) == said(parse, text) == said(again, text)


def said(parse: Parse, text: str) -> str | None:
    """The value that a parser returns for a text; its error as a text, if it raises one."""
    try:
        return parse(text)
    except FieldError as error:
        return f"error: {error}"


def test_a_field_with_a_parser_of_its_own_is_not_kept_unless_it_says_so() -> None:
    class Drawn(Int):
        def parser(self, reading: Reading) -> Parse:
            return lambda text: str(random.random())

    class Doubled(Int):
        kept = True

        def parser(self, reading: Reading) -> Parse:
            return lambda text: str(2 * int(text))

    assert (Int.kept, Drawn.kept, Doubled.kept, Ref.kept, Secret.kept) == (True, False, True, False, False)
