"""Opaque elements and members: references in them are mapped by their names, and all else stays as it is."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from archive import references, xml
from archive.errors import DamagedArchive, HostileArchive
from archive.judgement import NOT_USERDATA
from archive.opaque import rewrite, rewrite_element

OF_PLUGINS = (
    "studentid",
    "takenby",
    "teacherid",
    "assessorid",
    "userkey",
    "student",
    "marker",
    "lastgradedbyid",
)
"""Names that plugins and Moodle 5.2 give to people, and no model of Moodle 4.5 does."""

NAMES = references.by_name()
ITEM_TYPES = sorted({*NAMES.values(), "question", "question_bank_entry", "quiz", "forum"})
HEAD = xml.DECLARATION
CHUNK = xml.CHUNK
NAME = st.sampled_from(["name", "attempts", "attempt", "plugin_local_x_quiz", "answer", "note"])
TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Cn"], exclude_characters="\ufffe\uffff")
    | st.sampled_from("\n\t"),
    max_size=20,
)
LEAF = st.tuples(NAME, st.dictionaries(NAME, TEXT, max_size=2), TEXT)


def moved(kind: str, old: int) -> int:
    """The new id: another thousand for each kind, so that a test sees the kind that was meant."""
    return old + 1000 * (1 + ITEM_TYPES.index(kind))


def same(kind: str, old: int) -> int:
    return old


def nothing(kind: str, old: int) -> None:
    return None


def rewritten(source: str, **how: Any) -> str:
    """A document without its declaration, rewritten."""
    how.setdefault("mapped", moved)
    pieces = b"".join(rewrite(io.BytesIO(source.encode()), member="a.xml", **how))
    text = pieces.decode()
    assert text.startswith(HEAD)
    return text.removeprefix(HEAD)


@st.composite
def trees(draw: st.DrawFn, depth: int = 3) -> etree._Element:
    """A small tree of leaves and records, with text between them."""
    root = etree.Element(draw(NAME), draw(st.dictionaries(NAME, TEXT, max_size=2)))
    children = draw(st.integers(0, 3)) if depth else 0
    root.text = draw(TEXT)
    for _ in range(children):
        child = draw(trees(depth=depth - 1))
        child.tail = draw(TEXT)
        root.append(child)
    return root


def written(tree: etree._Element) -> str:
    return etree.tostring(tree, encoding="unicode", with_tail=False)


def said(element: etree._Element) -> tuple[Any, ...]:
    """All that an element says."""
    children = [(said(child), child.tail or "") for child in element]
    return str(element.tag), dict(element.attrib), element.text or "", children


@given(trees())
def test_what_refers_to_nothing_comes_through_to_the_letter(tree: etree._Element) -> None:
    again = etree.fromstring(rewritten(written(tree)).encode())
    assert said(again) == said(etree.fromstring(written(tree).encode()))


@given(trees())
def test_an_element_is_rewritten_as_a_document_is(tree: etree._Element) -> None:
    assert rewrite_element(tree, mapped=moved) == rewritten(written(tree))


@given(trees())
def test_what_was_rewritten_once_stays_the_same(tree: etree._Element) -> None:
    once = rewritten(written(tree))
    assert rewritten(once) == once


@pytest.mark.parametrize("name", sorted(NAMES))
def test_an_element_with_the_name_of_a_reference_is_one(name: str) -> None:
    number = moved(NAMES[name], 7)
    assert rewritten(f"<a><{name}>7</{name}></a>") == f"<a><{name}>{number}</{name}></a>"
    assert rewritten(f'<a><b {name}="7">x</b></a>') == f'<a><b {name}="{number}">x</b></a>'


@pytest.mark.parametrize("text", ["0", "", "$@NULL@$", "x", "-7", "7 ", "7.0", "\u0667", "9" * 30])
def test_what_is_no_id_stays(text: str) -> None:
    source = f'<a><userid>{text}</userid><b userid="{text}">x</b></a>'
    assert rewritten(source, mapped=nothing) == source


def test_what_has_no_new_id_points_at_nothing() -> None:
    assert rewritten("<a><groupid>7</groupid></a>", mapped=nothing) == "<a><groupid>0</groupid></a>"
    assert rewritten('<a groupid="7">x</a>', mapped=nothing) == '<a groupid="0">x</a>'


def test_the_neighbour_says_of_what_type_an_instance_is() -> None:
    for source, kind in (
        ("<i><itemmodule>quiz</itemmodule><iteminstance>5</iteminstance></i>", "quiz"),
        ("<i><modulename>forum</modulename><instance>5</instance></i>", "forum"),
    ):
        assert rewritten(source) == source.replace(">5<", f">{moved(kind, 5)}<")


def test_an_instance_without_a_neighbour_or_with_one_elsewhere_stays() -> None:
    for source in (
        "<i><iteminstance>5</iteminstance></i>",
        "<i><itemmodule></itemmodule><iteminstance>5</iteminstance></i>",
        "<a><i><itemmodule>quiz</itemmodule></i><i><iteminstance>5</iteminstance></i></a>",
        "<criterion><module>$@NULL@$</module><moduleinstance>5</moduleinstance></criterion>",
    ):
        assert rewritten(source) == source


def test_the_module_of_a_criterion_is_an_activity() -> None:
    found = rewritten("<c><module>quiz</module><moduleinstance>5</moduleinstance></c>")
    assert (
        found == f"<c><module>quiz</module><moduleinstance>{moved('course_module', 5)}</moduleinstance></c>"
    )


def test_the_activity_of_a_member_is_mapped_as_a_whole() -> None:
    found = rewritten(
        '<activity id="3" moduleid="4" modulename="quiz" contextid="5"><quiz id="3">x</quiz></activity>'
    )
    expected = (moved("quiz", 3), moved("course_module", 4), moved("context", 5))
    assert found.startswith(
        '<activity id="{}" moduleid="{}" modulename="quiz" contextid="{}">'.format(*expected)
    )


WORK = '<attempts>\n  <attempt id="1"><userid>7</userid><part><text>A</text></part></attempt>\n</attempts>'


@pytest.mark.parametrize("name", ["userid", "authorid", "reviewerid", "recipientid", *OF_PLUGINS])
def test_without_people_their_records_are_left_out_with_all_in_them(name: str) -> None:
    source = WORK.replace("userid", name)
    assert rewritten(source, people=False) == "<attempts>\n  \n</attempts>"
    assert 'id="1"' in rewritten(source)


def test_without_people_what_is_nobodys_stays() -> None:
    for nobody in ("", "0", "$@NULL@$"):
        source = WORK.replace(">7<", f">{nobody}<")
        assert rewritten(source, people=False) == source


@pytest.mark.parametrize("name", sorted(NOT_USERDATA))
def test_without_people_the_courses_own_records_stay(name: str) -> None:
    source = f"<all><{name}><userid>0</userid><x>A</x></{name}></all>"
    assert rewritten(source.replace(">0<", ">7<"), people=False, mapped=nothing) == source


def test_without_people_a_record_around_somebodys_work_stays() -> None:
    source = "<set><name>A</name><one><userid>7</userid></one><two>B</two></set>"
    assert rewritten(source, people=False) == "<set><name>A</name><two>B</two></set>"


@pytest.mark.parametrize("border", range(-3, 4))
@pytest.mark.parametrize("piece", ["<userid>7</userid>", "ä€😀", "&lt;&amp;&gt;", "</b><b>", "\n \t"])
def test_nothing_is_lost_where_one_block_ends(border: int, piece: str) -> None:
    start, end = "<a><b>", "</b></a>"
    for position in range(len(piece.encode())):
        fill = "x" * (CHUNK + border - len(start) - position)
        source = f"{start}{fill}{piece}{end}"
        assert rewritten(source, mapped=same) == source
        assert rewritten(source, mapped=same, people=False).count("x") == (
            0 if "userid" in piece else len(fill)
        )


def test_a_text_of_many_blocks_is_one_text() -> None:
    seen: list[str] = []

    def note(text: str) -> str:
        seen.append(text)
        return text.upper()

    body = "abc &amp; " * (CHUNK // 4)
    assert rewritten(f"<a><b>{body}</b></a>", texts=note) == f"<a><b>{body.upper()}</b></a>"
    assert seen == [body]


def test_long_members_come_in_pieces() -> None:
    source = f"<a>{'<b>c</b>' * (CHUNK // 2)}</a>".encode()
    pieces = list(rewrite(io.BytesIO(source), member="a.xml", mapped=same))
    assert len(pieces) > 3
    assert b"".join(pieces) == HEAD.encode() + source


def test_texts_in_a_blocks_configuration_pass_unescaped() -> None:
    def packed(text: str) -> str:
        return base64.b64encode(f's:{len(text)}:"{text}";'.encode()).decode()

    source = f"<block><configdata>{packed('<a> & b')}</configdata></block>"
    seen: list[str] = []

    def change(text: str) -> str:
        seen.append(text)
        return text + "!"

    assert rewritten(source, serialised=change) == source.replace(packed("<a> & b"), packed("<a> & b!"))
    assert seen == ["<a> & b"]


@pytest.mark.parametrize(
    "source", ["", "<a>", "<a></b>", "x", "<a>&nbsp;</a>", "<a/><b/>", "<a><userid>7</a>"]
)
def test_malformed_xml_is_told_with_its_member_and_line(source: str) -> None:
    with pytest.raises(DamagedArchive) as caught:
        rewritten(source)
    assert caught.value.where.startswith("a.xml")


def test_a_document_type_is_refused() -> None:
    source = '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'
    with pytest.raises(HostileArchive):
        rewritten(source)


def test_control_characters_that_come_as_references_are_kept_as_what_xml_can_hold() -> None:
    assert rewritten("<a>x&#9;y&#10;z&#13;&#10;w</a>") == "<a>x\ty\nz\nw</a>"


def test_line_breaks_in_attributes_stay_line_breaks() -> None:
    again = etree.fromstring(rewritten('<a b="x&#10;y&#9;z">c</a>').encode())
    assert again.get("b") == "x\ny\tz"


def test_questions_are_named_where_moodle_writes_attempts_and_references() -> None:
    of_core = "<attempt><question_attempt><questionid>7</questionid></question_attempt></attempt>"
    question = moved("question", 7)
    assert rewritten(of_core) == of_core.replace("7", str(question))
    reference = "<question_reference><questionbankentryid>7</questionbankentryid></question_reference>"
    assert rewritten(reference) == reference.replace("7", str(moved("question_bank_entry", 7)))


def test_a_questionid_of_a_plugins_own_stays() -> None:
    own = "<answers><answer><questionid>7</questionid></answer></answers>"
    assert rewritten(own) == own


@pytest.mark.parametrize(
    "name",
    ["parent", "itemid", "path", "sequence", "answer", "activitylink", "moduleinstance", "instance", "grade"],
)
def test_a_name_that_refers_to_something_in_described_records_only_stays_in_a_plugins(name: str) -> None:
    source = f"<post><{name}>7</{name}></post>"
    assert rewritten(source, mapped=nothing) == source


def test_a_rating_in_a_plugins_member_has_a_scale_or_a_maximum() -> None:
    """As a plain reference the maximum 7 would become another number."""
    rating = "<rating><scaleid>{}</scaleid></rating>"
    assert rewritten(rating.format(7)) == rating.format(7)
    assert rewritten(rating.format(-7)) == rating.format(-moved("scale", 7))
    assert rewritten(rating.format(-7), mapped=nothing) == rating.format(0)
