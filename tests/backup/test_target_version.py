"""An archive is written for a version of Moodle: its numbers, where its questions are, and what that version does not hold."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.core.management import call_command
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from lxml import etree

from archive.errors import UsageError
from archive.releases import BANKS_SINCE, VERSION_OF_4_5
from backup.moodle_version import version_for
from backup.partial_banks import RandomFilter, read_filter
from backup.services import resolve_options
from courses import pool, registry
from courses.activities.qbank import Qbank
from courses.activities.quiz import (
    QuestionAttempt,
    QuestionReference,
    QuestionSetReference,
    QuestionUsage,
    Quiz,
    QuizAttempt,
    QuizSlot,
)
from courses.changes import create_activity
from courses.models import Course, File, Section
from courses.models.question_extras import QuestionTag
from courses.models.questions import Question, QuestionBankEntry, QuestionCategory, QuestionVersion
from courses.services import create_course, delete_course
from jobs.models import Job
from selection.models import OptionDefault
from selection.option import mode_named
from tests.archive.sample import HEAD
from tests.archives_made import small, texts
from tests.jobs_done import back_up, compared, digests, faults, restore
from tests.people_made import person
from tests.restore.test_question_banks import CATEGORIES, LISTED

pytestmark = pytest.mark.django_db(transaction=True)

NUMBERS = {"4.5": "2024100700", "5.3": "2026100500"}


class Category(NamedTuple):
    """A category of questions as an archive has it."""

    name: str
    contextid: str
    level: str
    instance: str
    parent: str


def categories(path: Path) -> dict[str, Category]:
    """The categories of an archive by their ids."""
    root = etree.fromstring(texts(path)["questions.xml"].encode())
    names = ("name", "contextid", "contextlevel", "contextinstanceid", "parent")
    return {
        one.get("id") or "": Category(*(one.findtext(name) or "" for name in names))
        for one in root.iterfind("question_category")
    }


def written_for(path: Path) -> set[str]:
    """The numbers of the version that the manifest names."""
    manifest = texts(path)["moodle_backup.xml"]
    found = re.findall(r"<(?:backup_version|backup_release|moodle_version)>([^<]*)<", manifest)
    return set(found) | set(re.findall(r"<moodle_release>([0-9.]+)", manifest))


def contexts_of_question_files(path: Path) -> set[str]:
    root = etree.fromstring(texts(path)["files.xml"].encode())
    return {one.findtext("contextid") or "" for one in root if one.findtext("component") == "question"}


def randoms(path: Path) -> list[tuple[str, str]]:
    """Return the context of each random question of the quizzes, and the category and context that were chosen for it."""
    found = []
    for name, text in texts(path).items():
        if name.endswith("/quiz.xml"):
            for one in etree.fromstring(text.encode()).iter("question_set_reference"):
                context = one.findtext("questionscontextid")
                if context:
                    condition = json.loads(one.findtext("filtercondition") or "{}")
                    assert condition["filter"]["category"]["values"] == [
                        int(condition["cat"].partition(",")[0])
                    ]
                    found.append((context, condition["cat"]))
    return found


def add_category(course: Course, name: str, parent: int, context: tuple[int, int, int]) -> QuestionCategory:
    contextid, level, instance = context
    return QuestionCategory.objects.create(
        course=course,
        name=name,
        parent=parent,
        contextid=contextid,
        contextlevel=level,
        contextinstanceid=instance,
        stamp=f"{name} {parent}",
        sortorder=999 if parent else 0,
    )


def add_question(course: Course, category: QuestionCategory, name: str) -> int:
    """Add a question with a picture and a tag; return the id of its entry."""
    entry = QuestionBankEntry.objects.create(category=category)
    question = Question.objects.create(
        version=QuestionVersion.objects.create(entry=entry),
        name=name,
        questiontext=f'<img src="@@PLUGINFILE@@/{name}.png">',
        qtype="description",
        stamp=name,
    )
    QuestionTag.objects.create(
        question=question, tagid=777, contextid=category.contextid, name="blue", rawname="Blue"
    )
    sha1, size = pool.put(io.BytesIO(name.encode()))
    File.objects.create(
        course=course,
        contenthash=sha1,
        filesize=size,
        contextid=category.contextid,
        component="question",
        filearea="questiontext",
        itemid=question.pk,
        filepath="/",
        filename=f"{name}.png",
    )
    return int(entry.pk)


def course_with(tree: list[tuple[int, int]], *, bank: str = "") -> Course:
    """A course with categories, given as number of the category above (0: the top) and number of questions, and a quiz that
    draws from each of them; they are in a question bank if that has a name.
    """
    course = create_course("Geography", "Geography of rivers")
    section = Section.objects.get(course=course)
    context = (course.contextid, 50, course.pk)
    if bank:
        holder = create_activity(course, section, "qbank", bank, type="standard")
        context = (holder.contextid, 70, holder.pk)
    made = [add_category(course, "top", 0, context)]
    quiz = create_activity(course, section, "quiz", "Rivers")
    slots = count(1)
    for number, (above, questions) in enumerate(tree, 1):
        category = add_category(course, f"Category {number}", made[above % len(made)].pk, context)
        made.append(category)
        draw(quiz.instance, quiz.contextid, next(slots), category)
        for position in range(questions):
            entry = add_question(course, category, f"q{number}-{position}")
            slot = QuizSlot.objects.create(quiz_id=quiz.instance, slot=next(slots), page=1)
            QuestionReference.objects.create(
                within=slot, usingcontextid=quiz.contextid, questionbankentryid=entry
            )
    return course


def draw(
    quiz: int,
    contextid: int,
    number: int,
    category: QuestionCategory,
    *,
    tags: Iterable[int] = (),
    all_tags: bool = False,
) -> None:
    """Add a slot with a random question from a category, which has one of the tags, or all of them."""
    tagged = {"qtagids": {"jointype": 2 if all_tags else 1, "values": list(map(str, tags))}} if tags else {}
    condition = {
        "filter": {"category": {"jointype": 1, "values": [category.pk], "filteroptions": {}}, **tagged},
        "cat": f"{category.pk},{category.contextid}",
    }
    QuestionSetReference.objects.create(
        within=QuizSlot.objects.create(quiz_id=quiz, slot=number, page=1),
        usingcontextid=contextid,
        component="mod_quiz",
        questionarea="slot",
        questionscontextid=category.contextid,
        filtercondition=json.dumps(condition, separators=(",", ":")),
    )


TREE = [(0, 1), (1, 2), (0, 0)]


def test_the_version_is_that_from_which_the_course_came() -> None:
    assert [version_for("", release).release for release in ("", "3.9", "4.5", "5.0", "5.3", "12.1")] == [
        "4.5", "4.5", "4.5", "5.3", "5.3", "5.3",
    ]  # fmt: skip
    assert version_for("4.5", "5.3").release == "4.5"


def test_the_numbers_in_the_manifest_are_those_of_the_version(tmp_path: Path) -> None:
    course = create_course("G", "Geography")
    for asked, number in NUMBERS.items():
        assert written_for(back_up(course, tmp_path / f"{asked}.mbz", moodle=asked)) == {asked, number}
    assert written_for(back_up(course, tmp_path / "a.mbz")) == {"4.5", NUMBERS["4.5"]}


def test_every_activity_that_is_made_here_has_a_version_of_its_plugin_that_moodle_reads(
    tmp_path: Path,
) -> None:
    course = create_course("G", "Geography")
    section = Section.objects.get(course=course)
    own = [
        name for name, model in registry.activity_types().items() if model.__module__.startswith("courses.")
    ]
    for name in own:
        create_activity(course, section, name, name)
    found = {
        name.split("/")[1].rpartition("_")[0]: int(etree.fromstring(text.encode()).get("version") or 0)
        for name, text in texts(back_up(course, tmp_path / "a.mbz", moodle="5.3")).items()
        if name.endswith("/module.xml")
    }
    banks = registry.type_of_banks()
    assert found == dict.fromkeys(own, VERSION_OF_4_5) | {banks: BANKS_SINCE}


def test_a_course_of_moodle_5_is_written_for_it_again(tmp_path: Path) -> None:
    source = back_up(course_with(TREE, bank="Rivers of the world"), tmp_path / "a.mbz", moodle="5.3")
    assert written_for(back_up(restore(source).course, tmp_path / "b.mbz")) == {"5.3", NUMBERS["5.3"]}


def test_the_administrator_sets_the_default(tmp_path: Path) -> None:
    OptionDefault.objects.create(preset="general", operation="backup", name="moodle", value="5.3")
    assert written_for(back_up(create_course("G", "Geography"), tmp_path / "a.mbz")) == {
        "5.3",
        NUMBERS["5.3"],
    }


def test_for_4_5_a_bank_is_a_category_below_the_top_of_the_course(tmp_path: Path) -> None:
    course = course_with(TREE, bank="Rivers of the world")
    bank = Qbank.objects.get(owner__course=course).owner
    before = digests()
    path = back_up(course, tmp_path / "a.mbz", moodle="4.5")
    assert (
        digests().items()
        >= {name: one for name, one in before.items() if name.startswith("courses_")}.items()
    )
    assert faults(path) == []
    found = categories(path)
    assert {(one.contextid, one.level, one.instance) for one in found.values()} == {
        (str(course.contextid), "50", str(course.pk))
    }
    [top] = [number for number, one in found.items() if one.parent == "0"]
    assert found[top].name == "top"
    assert [one.name for one in found.values() if one.parent == top] == ["Rivers of the world"]
    assert contexts_of_question_files(path) == {str(course.contextid)}
    assert {context for context, _ in randoms(path)} == {str(course.contextid)}
    assert {chosen.partition(",")[2] for _, chosen in randoms(path)} == {str(course.contextid)}
    members = texts(path)
    assert not any("qbank" in name for name in members)
    assert "qbank" not in members["moodle_backup.xml"]
    assert str(bank.contextid) not in members["questions.xml"] + members["files.xml"]
    assert str(bank.pk) not in "".join(text for name, text in members.items() if name.endswith("section.xml"))
    listed = set(re.findall(r"<question_category>\s*<id>(\d+)", members["course/inforef.xml"]))
    assert listed == found.keys()
    job = Job.objects.latest("pk")
    assert "“Rivers of the world”" in job.findings.get(code="banks-as-categories").message


def test_for_5_3_the_categories_of_the_course_are_a_hidden_bank_of_its_name(tmp_path: Path) -> None:
    course = course_with(TREE)
    path = back_up(course, tmp_path / "a.mbz", moodle="5.3")
    assert faults(path) == []
    members = texts(path)
    [folder] = {name.rpartition("/")[0] for name in members if "/qbank_" in name}
    root = etree.fromstring(members[f"{folder}/qbank.xml"].encode())
    assert root.findtext("qbank/name") == "Geography of rivers"
    module = etree.fromstring(members[f"{folder}/module.xml"].encode())
    assert [module.findtext(name) for name in ("visible", "visibleoncoursepage", "sectionnumber")] == [
        "0",
        "0",
        "0",
    ]
    contextid, moduleid = root.get("contextid"), root.get("moduleid")
    found = categories(path)
    assert {(one.contextid, one.level, one.instance) for one in found.values()} == {
        (contextid, "70", moduleid)
    }
    assert contexts_of_question_files(path) == {contextid}
    assert {context for context, _ in randoms(path)} == {contextid}
    assert {chosen.partition(",")[2] for _, chosen in randoms(path)} == {contextid}
    assert (
        set(re.findall(r"<question_category>\s*<id>(\d+)", members[f"{folder}/inforef.xml"])) == found.keys()
    )
    assert "question_categoryref" not in members["course/inforef.xml"]
    assert f"<moduleid>{moduleid}</moduleid>" in members["moodle_backup.xml"]
    assert f"qbank_{moduleid}_included" in members["moodle_backup.xml"]
    [section] = [text for name, text in members.items() if name.endswith("section.xml")]
    assert moduleid in (etree.fromstring(section.encode()).findtext("sequence") or "").split(",")
    done = restore(path)
    assert Qbank.objects.get(owner__course=done.course).type == "system"
    assert QuestionCategory.objects.filter(course=done.course).exclude(contextlevel=70).count() == 0


def test_an_archive_for_5_3_is_the_same_when_it_is_written_again(tmp_path: Path) -> None:
    course = course_with(TREE)
    paths = [back_up(course, tmp_path / f"{number}.mbz", moodle="5.3") for number in range(2)]
    first, second = ({k: v for k, v in texts(path).items() if k != "moodle_backup.xml"} for path in paths)
    assert first == second


def test_categories_of_several_contexts_become_one_bank(tmp_path: Path) -> None:
    course = course_with(TREE)
    above = (course.category.contextid, 40, course.category_id)
    top = add_category(course, "top", 0, above)
    add_question(course, add_category(course, "Shared", top.pk, above), "shared")
    path = back_up(course, tmp_path / "a.mbz", moodle="5.3")
    assert faults(path) == []
    found = categories(path)
    assert len({one.contextid for one in found.values()}) == 1
    assert [one.name for one in found.values() if one.parent == "0"] == ["top"]
    assert found[found_by_name(found, "Shared").parent].name == course.category.name


def found_by_name(found: dict[str, Category], name: str) -> Category:
    return next(one for one in found.values() if one.name == name)


def test_a_bank_that_is_left_out_comes_for_4_5_if_a_quiz_draws_from_it(tmp_path: Path) -> None:
    course = course_with(TREE, bank="Rivers of the world")
    unused = create_activity(course, Section.objects.get(course=course), "qbank", "Unused", type="standard")
    top = add_category(course, "top", 0, (unused.contextid, 70, unused.pk))
    add_question(course, add_category(course, "Left out", top.pk, (unused.contextid, 70, unused.pk)), "left")
    used = Qbank.objects.get(owner__course=course, name="Rivers of the world").owner_id
    off: dict[str, Any] = {f"qbank_{number}_included": 0 for number in (unused.pk, used)}
    found = categories(back_up(course, tmp_path / "a.mbz", moodle="4.5", **off))
    assert {one.name for one in found.values()} == {
        "top",
        "Rivers of the world",
        *(f"Category {n}" for n in (1, 2, 3)),
    }


def test_one_quiz_alone_is_written_for_both(tmp_path: Path) -> None:
    course = course_with(TREE, bank="Rivers of the world")
    quiz = Quiz.objects.get(owner__course=course).owner
    old, new = (
        back_up(course, tmp_path / f"{asked}.mbz", moodle=asked, archive_type="activity", item=quiz.pk)
        for asked in ("4.5", "5.3")
    )
    assert {one.level for one in categories(old).values()} == {"50"}
    assert {one.level for one in categories(new).values()} == {"70"}
    assert contexts_of_question_files(old) == {str(course.contextid)}


def entries(path: Path) -> set[str]:
    """The names of the questions of an archive, one for each entry."""
    found = etree.fromstring(texts(path)["questions.xml"].encode()).iter("question_bank_entry")
    return {one.findtext(".//question/name") or "" for one in found}


@pytest.mark.parametrize("bank", ["Rivers of the world", ""])
def test_one_quiz_for_5_3_has_the_questions_that_it_uses_and_no_others_of_a_bank_elsewhere(
    tmp_path: Path, bank: str
) -> None:
    course = course_with([(0, 1), (1, 0), (0, 0)], bank=bank)
    quiz = Quiz.objects.get(owner__course=course)
    named, below, beside = (
        QuestionCategory.objects.get(course=course, name=f"Category {n}") for n in (1, 2, 3)
    )
    context = (named.contextid, named.contextlevel, named.contextinstanceid)
    unused = add_category(course, "Unused", named.parent, context)
    above = add_category(course, "Above", unused.pk, context)
    apart = add_category(course, "Apart", above.pk, context)
    QuestionSetReference.objects.filter(questionscontextid=named.contextid).delete()
    draw(quiz.pk, quiz.owner.contextid, 10, below, tags=[777])
    draw(quiz.pk, quiz.owner.contextid, 11, beside, tags=[777, 8], all_tags=True)
    add_question(course, named, "another")
    add_question(course, below, "drawn")
    QuestionTag.objects.filter(question=question_of(add_question(course, below, "other tag"))).update(tagid=8)
    add_question(course, beside, "one tag")
    add_question(course, unused, "unused")
    add_question(course, above, "above")
    tried = question_of(add_question(course, apart, "tried"))
    inside = question_of(add_question(course, unused, "inside"))
    Question.objects.filter(pk=inside).update(parent=Question.objects.get(name="drawn").pk)
    usage = QuestionUsage.objects.create(attempt=attempt_at(quiz), component="mod_quiz")
    QuestionAttempt.objects.create(usage=usage, slot=1, questionid=tried)
    one: dict[str, Any] = {"archive_type": "activity", "item": quiz.owner_id}
    path = back_up(course, tmp_path / "a.mbz", moodle="5.3", **one)
    assert faults(path) == []
    expected = {"q1-0", "drawn", "inside", "tried"}
    assert entries(path) == expected
    assert {one.name for one in categories(path).values()} == {
        "top", "Category 1", "Category 2", "Category 3", "Unused", "Above", "Apart",
    }  # fmt: skip
    files = etree.fromstring(texts(path)["files.xml"].encode())
    assert {one.findtext("filename") for one in files if one.findtext("component") == "question"} == {
        f"{name}.png" for name in expected
    }
    assert entries(back_up(course, tmp_path / "b.mbz", moodle="5.3", users=0, **one)) == expected - {"tried"}
    everything = {*expected, "another", "other tag", "one tag", "unused", "above"}
    assert entries(back_up(course, tmp_path / "c.mbz", moodle="4.5", **one)) == everything
    assert entries(back_up(course, tmp_path / "d.mbz", moodle="5.3")) == everything
    assert entries(back_up(course, tmp_path / "e.mbz", moodle="as_is", **one)) == everything


def test_conditions_that_nobody_can_read_leave_nothing_out() -> None:
    for text in ("", "no JSON", "[]", '{"filter":{"category":{"jointype":2,"values":[5]}}}', '{"filter":{}}'):
        assert read_filter(text).categories is None
    assert read_filter('{"questioncategoryid":"5","tags":["7,blue"]}') == RandomFilter(frozenset({5}))


def question_of(entry: int) -> int:
    """The id of the only question of an entry."""
    return int(Question.objects.get(version__entry=entry).pk)


def attempt_at(quiz: Quiz) -> QuizAttempt:
    return QuizAttempt.objects.create(
        quiz=quiz, userid=person("p").pk, attemptnum=1, uniqueid=1, state="finished"
    )


def test_one_bank_alone_cannot_be_written_for_4_5(tmp_path: Path) -> None:
    course = course_with(TREE, bank="Rivers of the world")
    bank = Qbank.objects.get(owner__course=course).owner
    with pytest.raises(UsageError, match=r"Moodle 4\.5 has no question banks"):
        back_up(course, tmp_path / "a.mbz", moodle="4.5", archive_type="activity", item=bank.pk)
    back_up(course, tmp_path / "b.mbz", moodle="5.3", archive_type="activity", item=bank.pk)


def test_attempts_have_the_states_that_4_5_knows(tmp_path: Path) -> None:
    course = course_with(TREE)
    quiz = Quiz.objects.get(owner__course=course)
    for number, state in enumerate(("submitted", "notstarted", "finished"), 1):
        QuizAttempt.objects.create(
            quiz=quiz, userid=person(f"p{number}").pk, attemptnum=1, uniqueid=number, state=state
        )
    states = {
        asked: re.findall(
            r"<state>(\w+)</state>",
            next(
                text
                for name, text in texts(back_up(course, tmp_path / f"{asked}.mbz", moodle=asked)).items()
                if name.endswith("/quiz.xml")
            ),
        )
        for asked in NUMBERS
    }
    assert states == {"4.5": ["finished", "finished"], "5.3": ["submitted", "notstarted", "finished"]}
    messages = [one.message for job in Job.objects.all() for one in job.findings.filter(code="newer-value")]
    assert len(messages) == 2


def test_each_name_that_is_too_long_for_4_5_is_told_and_cut_if_asked(tmp_path: Path) -> None:
    course = course_with([(0, 0)])
    long = "ä" * 300
    Section.objects.filter(course=course).update(name=long)
    Course.objects.filter(pk=course.pk).update(fullname=long)
    Quiz.objects.filter(owner__course=course).update(name=long)
    QuestionCategory.objects.filter(course=course, name="Category 1").update(name=long)
    whole = texts(back_up(course, tmp_path / "a.mbz", moodle="4.5"))
    found = Job.objects.latest("pk").findings.filter(code="name-too-long")
    assert sorted(one.place.partition(" ")[0] for one in found) == [
        "course",
        "course_section",
        "question_category",
        "quiz",
    ]
    assert sum(text.count(f">{long}<") for text in whole.values()) >= 4
    cut = texts(back_up(course, tmp_path / "b.mbz", moodle="4.5", long_names="cut"))
    members = {name: text for name, text in cut.items() if name != "moodle_backup.xml"}
    assert max(len(run) for text in members.values() for run in re.findall("ä+", text)) == 255
    assert f"<fullname>{'ä' * 254}</fullname>" in cut["course/course.xml"]
    back_up(course, tmp_path / "c.mbz", moodle="5.3")
    assert not Job.objects.latest("pk").findings.filter(code="name-too-long").exists()


def test_nothing_of_a_backup_for_another_version_stays_in_the_session(tmp_path: Path) -> None:
    back_up(course_with(TREE), tmp_path / "a.mbz", moodle="5.3")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_views WHERE schemaname LIKE 'pg_temp%'")
        assert cursor.fetchone() == (0,)


TREES = some.lists(some.tuples(some.integers(0, 3), some.integers(0, 2)), min_size=1, max_size=4)
SLOW = settings(
    max_examples=5,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@SLOW
@given(tree=TREES)
def test_from_4_5_to_5_3_and_back_nothing_changes(tmp_path: Path, tree: list[tuple[int, int]]) -> None:
    paths = trip(tmp_path, course_with(tree), "4.5", "5.3", "4.5")
    assert compared(paths[0], paths[2]).totals == {}
    assert len(randoms(paths[0])) == len(randoms(paths[2])) == len(tree)
    assert len(categories(paths[0])) == len(categories(paths[2]))


@SLOW
@given(tree=TREES)
def test_from_5_3_to_4_5_and_back_every_question_file_and_reference_is_there(
    tmp_path: Path, tree: list[tuple[int, int]]
) -> None:
    paths = trip(tmp_path, course_with(tree, bank="Rivers of the world"), "5.3", "4.5", "5.3")
    for name in ("question_bank_entry", "question_reference", "question_set_reference", "file", "tag"):
        first, last = (
            sum(text.count(f"<{name} ") for text in texts(path).values()) for path in (paths[0], paths[2])
        )
        assert first == last, name
    [context] = contexts_of_question_files(paths[2]) or {""}
    assert {one.contextid for one in categories(paths[2]).values()} == (
        {context} if context else set()
    ) or not context
    assert {one for one, _ in randoms(paths[2])} == {one.contextid for one in categories(paths[2]).values()}


def trip(tmp_path: Path, course: Course, *versions: str) -> list[Path]:
    """Write a course for each version in turn, each time restored from the archive before, on a site without it."""
    paths: list[Path] = []
    for number, version in enumerate(versions):
        paths.append(back_up(course, tmp_path / f"{number}.mbz", moodle=version))
        assert faults(paths[-1]) == []
        delete_course(course)
        if number + 1 < len(versions):
            course = restore(paths[-1]).course
    return paths


def test_a_quiz_of_4_5_keeps_its_own_categories_for_both(tmp_path: Path) -> None:
    path = small(
        tmp_path / "a.mbz",
        {
            "questions.xml": f"{HEAD}<question_categories>{CATEGORIES}</question_categories>".encode(),
            "course/inforef.xml": (
                "</inforef>",
                f"<question_categoryref>{LISTED}</question_categoryref></inforef>",
            ),
        },
    )
    course = restore(path).course
    found = categories(back_up(course, tmp_path / "b.mbz", moodle="5.3"))
    assert {one.level for one in found.values()} == {"70"}


@pytest.mark.parametrize("asked", ["4.5", "5.3"])
@pytest.mark.parametrize("name", ["real-5.0.3-coderunner", "synthetic-5.3-short-names"])
def test_compare_explains_what_the_version_changes_in_a_course_of_moodle_5(
    fixtures: Path, tmp_path: Path, name: str, asked: str
) -> None:
    source = fixtures / "moodle5" / f"{name}.mbz"
    course = restore(source).course
    path = back_up(course, tmp_path / "a.mbz", moodle=asked, logs=1, grade_histories=1)
    assert faults(path) == []
    found = compared(source, path)
    assert found.totals == {}
    explained = any("question banks" in sentence for sentence in found.explained)
    # The second has categories of the site and of a category of courses, which become a bank.
    assert explained == (asked == "4.5" or name.startswith("synthetic"))


@pytest.mark.parametrize(
    ("written", "asked", "bank"), [("5.3", "4.5", "Rivers of the world"), ("4.5", "5.3", "")]
)
def test_compare_tells_a_question_that_another_version_lacks(
    tmp_path: Path, written: str, asked: str, bank: str
) -> None:
    course = course_with(TREE, bank=bank)
    first = back_up(course, tmp_path / "a.mbz", moodle=written)
    assert compared(first, back_up(course, tmp_path / "b.mbz", moodle=asked)).totals == {}
    Question.objects.filter(version__entry__category__course=course, name="q2-1").delete()
    QuestionCategory.objects.filter(course=course, name="Category 3").delete()
    lost = compared(first, back_up(course, tmp_path / "c.mbz", moodle=asked)).totals
    category = "questions.xml question_categories/question_category"
    assert {f"record {category}", f"value {category}/name"} & lost.keys()
    assert any("questions/question" in place for place in lost)


def test_the_command_line_asks_for_a_version(tmp_path: Path) -> None:
    course, path = course_with(TREE), tmp_path / "a.mbz"
    call_command("backup", str(course.pk), "--set", "moodle=5.3", "-o", str(path))
    assert written_for(path) == {"5.3", NUMBERS["5.3"]}


def test_copies_and_the_recycle_bin_leave_banks_and_categories_as_they_are(tmp_path: Path) -> None:
    course = course_with(TREE, bank="Rivers of the world")
    for mode in ("copy", "import", "samesite", "bin"):
        asked = resolve_options(course, by=None, options={}, mode=mode_named(mode))
        assert (asked.text("moodle"), asked["moodle"].lock) == ("as_is", "mode")
    add_category(course, "top", 0, (course.contextid, 50, course.pk))
    found = categories(back_up(course, tmp_path / "a.mbz", moodle="as_is"))
    assert {one.level for one in found.values()} == {"50", "70"}
