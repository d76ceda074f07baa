"""A second restore into a course doubles nothing: groups, scales, questions and all else that can be told apart."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive.errors import InvalidValue
from courses.models import Course, Enrol, File, Group, Grouping, OpaqueElement, User, UserEnrolment
from courses.models.answers import QuestionAnswer
from courses.models.badges import Badge
from courses.models.calendar import CalendarEvent
from courses.models.contentbank import BankContent
from courses.models.grades import GradeLetter, Outcome, Scale
from courses.models.groups import GroupingGroup, GroupMember
from courses.models.people import RoleAssignment
from courses.models.question_extras import QuestionHint, QuestionTag
from courses.models.questions import Question, QuestionBankEntry, QuestionCategory, QuestionVersion
from tests.archive.sample import HEAD, PICTURE, PICTURE_HASH
from tests.archives_made import Change, small
from tests.exhaustive import Exhaustive
from tests.jobs_done import Restored, back_up, restore

pytestmark = pytest.mark.django_db(transaction=True)


def scale(number: int, name: str, words: str) -> str:
    return (
        f'<scale id="{number}"><courseid>2</courseid><userid>0</userid><name>{name}</name><scale>{words}</scale>'
        "<description></description><descriptionformat>0</descriptionformat><timemodified>5</timemodified></scale>"
    )


def scales(*found: str) -> bytes:
    return f"{HEAD}<scales_definition>{''.join(found)}</scales_definition>".encode()


def outcome(number: int, name: str, of: int) -> str:
    return (
        f'<outcome id="{number}"><courseid>2</courseid><shortname>{name}</shortname><fullname>{name}</fullname>'
        f"<scaleid>{of}</scaleid><description>d</description></outcome>"
    )


def outcomes(*found: str) -> bytes:
    return f"{HEAD}<outcomes_definition>{''.join(found)}</outcomes_definition>".encode()


def group(number: int, name: str, *members: int, said: str = "", idnumber: str = "") -> str:
    inside = "".join(
        f'<group_member id="{number * 100 + one}"><userid>{one}</userid><timeadded>5</timeadded></group_member>'
        for one in members
    )
    return (
        f'<group id="{number}"><name>{name}</name><idnumber>{idnumber}</idnumber><description>{said}</description>'
        f"<group_members>{inside}</group_members></group>"
    )


def grouping(number: int, name: str, *groups: int) -> str:
    inside = "".join(
        f'<grouping_group id="{number * 100 + one}"><groupid>{one}</groupid><timeadded>5</timeadded></grouping_group>'
        for one in groups
    )
    return (
        f'<grouping id="{number}"><name>{name}</name><idnumber></idnumber><description></description>'
        f"<grouping_groups>{inside}</grouping_groups></grouping>"
    )


def groups(found: Iterable[str], groupings: Iterable[str] = ()) -> bytes:
    return f"{HEAD}<groups>{''.join(found)}<groupings>{''.join(groupings)}</groupings></groups>".encode()


def answer(number: int, text: str, fraction: str = "1.0000000") -> str:
    return (
        f'<answer id="{number}"><answertext>{text}</answertext><answerformat>0</answerformat>'
        f"<fraction>{fraction}</fraction><feedback></feedback><feedbackformat>1</feedbackformat></answer>"
    )


def question(
    number: int,
    name: str,
    text: str = "What is it?",
    *,
    answers: tuple[str, ...] = (),
    more: str = "",
    inside: str = "",
    version: int = 1,
    status: str = "ready",
    parent: int = 0,
    qtype: str = "shortanswer",
) -> str:
    """One version of a question; `more` stands in the element of its type, `inside` in the question."""
    found = answers or (answer(number * 10, "It"), answer(number * 10 + 1, "Other", "0.0000000"))
    return (
        f'<question_versions id="{number}"><version>{version}</version><status>{status}</status><questions>'
        f'<question id="{number}"><parent>{parent}</parent><name>{name}</name><questiontext>{text}</questiontext>'
        f"<questiontextformat>1</questiontextformat><generalfeedback></generalfeedback>"
        f"<defaultmark>1.0000000</defaultmark><penalty>0.5000000</penalty><qtype>{qtype}</qtype>"
        f"<length>1</length><stamp>host+{number}</stamp><timecreated>{number}</timecreated>"
        f"<plugin_qtype_{qtype}_question><answers>{''.join(found)}</answers>{more}</plugin_qtype_{qtype}_question>"
        f"{inside}</question></questions></question_versions>"
    )


def entry(number: int, *versions: str, idnumber: str = "$@NULL@$") -> str:
    return (
        f'<question_bank_entry id="{number}"><idnumber>{idnumber}</idnumber><ownerid>0</ownerid>'
        f"<question_version>{''.join(versions)}</question_version></question_bank_entry>"
    )


def category(
    number: int,
    *entries: str,
    stamp: str = "",
    parent: int = 300,
    name: str = "",
    context: int = 101,
    level: int = 50,
) -> str:
    return (
        f'<question_category id="{number}"><name>{name or f"Category {number}"}</name><contextid>{context}</contextid>'
        f"<contextlevel>{level}</contextlevel><contextinstanceid>2</contextinstanceid><info></info>"
        f"<infoformat>0</infoformat><stamp>{stamp or f'host+{number}'}</stamp><parent>{parent}</parent>"
        f"<sortorder>0</sortorder><idnumber>$@NULL@$</idnumber>"
        f"<question_bank_entries>{''.join(entries)}</question_bank_entries></question_category>"
    )


TOP = category(300, name="top", parent=0)


def bank(*entries: str, categories: str = "") -> bytes:
    own = category(301, *entries)
    return f"{HEAD}<question_categories>{TOP}{own}{categories}</question_categories>".encode()


def questions_of(course: Course) -> list[str]:
    """The names of the questions of a course, each as often as it is there."""
    found = Question.objects.filter(version__entry__category__course=course)
    return list(found.order_by("pk").values_list("name", flat=True))


class Twice:
    """A course made of the small archive with some members, and restores of others into it."""

    def __init__(self, folder: Path, **members: Change) -> None:
        self.folder = folder
        self.course = restore(self.archive(members)).course

    def archive(self, members: dict[str, Change]) -> Path:
        named = {f"{name.replace('__', '/')}.xml": content for name, content in members.items()}
        return small(self.folder / "archive.mbz", named)

    def again(self, **members: Change) -> Restored:
        """Restore the small archive with these members into the course."""
        return restore(self.archive(members), target={"course": self.course.pk})


def counted(restored: Restored, kind: str) -> tuple[int, int, int]:
    """The numbers of records of a kind that matched, were new and differed."""
    row = next(row for row in restored.job.result["matching"] if row["kind"] == kind)
    return row["matched"], row["new"], row["differs"]


def test_a_scale_with_the_words_of_one_here_is_that_one_even_under_another_name(tmp_path: Path) -> None:
    twice = Twice(tmp_path, scales=scales(scale(3, "Stars", "1,2,3"), scale(4, "Points", "1,2,3")))
    again = twice.again(
        scales=scales(scale(3, "Stars", "1,2,3"), scale(4, "Dots", "1,2,3"), scale(5, "Stars", "a,b"))
    )
    found = list(Scale.objects.filter(course=twice.course).order_by("pk").values_list("name", "scale"))
    assert found == [("Stars", "1,2,3"), ("Points", "1,2,3"), ("Stars", "a,b")]
    assert counted(again, "scale") == (2, 0, 1)
    said = next(one for one in again.job.findings.all() if one.code == "differs-from-course")
    assert said.message.startswith("Scales")
    assert "“Stars”" in said.message


def test_what_refers_to_a_scale_that_is_here_refers_to_that_one(tmp_path: Path) -> None:
    twice = Twice(tmp_path)
    twice.again()
    kept = Scale.objects.get(course=twice.course)
    ours = twice.course.activities.filter(modulename="forum")
    assert [forum.forum.scale for forum in ours] == [-kept.pk, -kept.pk]


def test_an_outcome_on_another_scale_is_another_outcome(tmp_path: Path) -> None:
    both = scales(scale(3, "Stars", "1,2,3"), scale(4, "Words", "a,b"))
    twice = Twice(tmp_path, scales=both, outcomes=outcomes(outcome(1, "OUT", 3)))
    again = twice.again(scales=both, outcomes=outcomes(outcome(7, "OUT", 3), outcome(8, "OUT", 4)))
    assert counted(again, "outcome") == (1, 0, 1)
    assert Outcome.objects.filter(course=twice.course).count() == 2


def test_the_members_of_a_group_that_is_here_are_added_to_it(tmp_path: Path) -> None:
    twice = Twice(tmp_path, groups=groups([group(41, "Red", 11)], [grouping(51, "All", 41)]))
    again = twice.again(
        groups=groups(
            [group(41, "Red", 11, 12), group(42, "Red", said="others"), group(43, "Red", idnumber="R")],
            [grouping(51, "All", 41, 42)],
        )
    )
    kept = Group.objects.filter(course=twice.course).order_by("pk")
    assert [one.name for one in kept] == ["Red", "Red", "Red"]
    assert GroupMember.objects.filter(group=kept[0]).count() == 2
    assert GroupMember.objects.count() == 2
    assert Grouping.objects.get(course=twice.course).pk == GroupingGroup.objects.first().grouping_id  # type: ignore[union-attr]
    assert [one.groupid for one in GroupingGroup.objects.order_by("pk")] == [kept[0].pk, kept[1].pk]
    assert counted(again, "group") == (1, 0, 2)
    assert counted(again, "groupmember") == (1, 1, 0)


def test_a_question_that_says_the_same_is_not_doubled_whatever_its_stamp_and_dates(tmp_path: Path) -> None:
    twice = Twice(tmp_path, questions=bank(entry(1, question(1, "One")), entry(2, question(2, "Two"))))
    again = twice.again(
        questions=bank(
            entry(71, question(71, "One", answers=(answer(710, "It", "1"), answer(711, "Other", "0")))),
            entry(72, question(72, "Two")),
        )
    )
    assert questions_of(twice.course) == ["One", "Two"]
    assert QuestionAnswer.objects.count() == 4
    assert counted(again, "question_bank_entry") == (2, 0, 0)
    assert counted(again, "question_category") == (2, 0, 0)


HINT = "<question_hints><question_hint id='9'><hint>{}</hint><hintformat>1</hintformat></question_hint></question_hints>"
CHANGED = {
    "text": question(1, "One", "What was it?"),
    "answer": question(1, "One", answers=(answer(10, "It"), answer(11, "Another", "0.0000000"))),
    "worth of an answer": question(1, "One", answers=(answer(10, "It"), answer(11, "Other", "0.5000000"))),
    "order of the answers": question(1, "One", answers=(answer(10, "Other", "0.0000000"), answer(11, "It"))),
    "one answer more": question(
        1, "One", answers=(answer(10, "It"), answer(11, "Other", "0.0000000"), answer(12, "x"))
    ),
    "hint": question(1, "One", inside=HINT.format("Think")),
    "part of a plugin that nobody describes": question(1, "One", more="<extra><level>2</level></extra>"),
}


@pytest.mark.parametrize("what", CHANGED)
def test_a_question_that_says_something_else_comes_as_new(tmp_path: Path, what: str) -> None:
    twice = Twice(tmp_path, questions=bank(entry(1, question(1, "One"))))
    again = twice.again(questions=bank(entry(1, CHANGED[what])))
    assert questions_of(twice.course) == ["One", "One"]
    assert counted(again, "question_bank_entry") == (0, 0, 1)
    assert "differs-from-course" in again.findings
    third = twice.again(questions=bank(entry(1, CHANGED[what])))
    assert counted(third, "question_bank_entry") == (1, 0, 0)


def listed(item: int, name: str) -> tuple[str, str]:
    """The change that adds a picture in the text of a question to `files.xml`."""
    file = (
        f'<file id="900"><contenthash>{PICTURE_HASH}</contenthash><contextid>101</contextid><component>question</component>'
        f"<filearea>questiontext</filearea><itemid>{item}</itemid><filepath>/</filepath><filename>{name}</filename>"
        f"<filesize>{len(PICTURE)}</filesize><timecreated>5</timecreated><timemodified>5</timemodified></file>"
    )
    return "</files>", f"{file}</files>"


def test_a_question_with_another_picture_is_another_question(tmp_path: Path) -> None:
    one = bank(entry(1, question(1, "One")))
    twice = Twice(tmp_path, questions=one, files=listed(1, "p.png"))
    same = twice.again(questions=one, files=listed(1, "p.png"))
    assert counted(same, "question_bank_entry") == (1, 0, 0)
    assert File.objects.filter(course=twice.course, component="question").count() == 1
    other = twice.again(questions=one, files=listed(1, "q.png"))
    assert counted(other, "question_bank_entry") == (0, 0, 1)


def test_a_question_whose_versions_are_among_those_here_is_that_one(tmp_path: Path) -> None:
    first, second = question(1, "One"), question(2, "One", "Newer?", version=2)
    twice = Twice(tmp_path, questions=bank(entry(1, first, second)))
    assert counted(twice.again(questions=bank(entry(1, second))), "question_bank_entry") == (1, 0, 0)
    third = question(3, "One", "Newest?", version=3)
    again = twice.again(questions=bank(entry(1, first, second, third)))
    assert counted(again, "question_bank_entry") == (0, 0, 1)
    assert QuestionVersion.objects.filter(entry__category__course=twice.course).count() == 5


def test_a_version_that_is_hidden_here_and_ready_in_the_archive_becomes_ready(tmp_path: Path) -> None:
    twice = Twice(tmp_path, questions=bank(entry(1, question(1, "One", status="hidden"))))
    twice.again(questions=bank(entry(1, question(1, "One"))))
    assert QuestionVersion.objects.get(entry__category__course=twice.course).status == "ready"


def test_parts_of_a_question_belong_to_what_it_says(tmp_path: Path) -> None:
    def cloze(first: str, part: str) -> bytes:
        more = "<multianswer id='1'><question>1</question><sequence>2</sequence></multianswer>"
        return bank(
            entry(1, question(1, "Whole", "{#1}", answers=("",), more=more, qtype="multianswer")),
            entry(2, question(2, "Part", part, parent=1)),
        )

    twice = Twice(tmp_path, questions=cloze("", "a"))
    assert counted(twice.again(questions=cloze("", "a")), "question_bank_entry") == (2, 0, 0)
    assert counted(twice.again(questions=cloze("", "b")), "question_bank_entry") == (0, 0, 2)
    assert questions_of(twice.course) == ["Whole", "Part", "Whole", "Part"]


def test_a_category_is_the_same_by_its_stamp_in_its_context(tmp_path: Path) -> None:
    twice = Twice(tmp_path, questions=bank(categories=category(302, stamp="far+1")))
    again = twice.again(
        questions=bank(
            categories=category(302, stamp="far+1", name="Renamed")
            + category(303, stamp="far+2", name="Category 302")
        )
    )
    assert counted(again, "question_category") == (3, 0, 1)
    names = list(
        QuestionCategory.objects.filter(course=twice.course).order_by("pk").values_list("name", flat=True)
    )
    assert names == ["top", "Category 301", "Category 302", "Category 302"]


@pytest.mark.parametrize("level", [10, 40, 70])
def test_categories_of_other_contexts_are_not_doubled(tmp_path: Path, level: int) -> None:
    context = {10: 1, 40: 888, 70: 999}[level]
    other = category(310, name="top", parent=0, context=context, level=level)
    other += category(311, entry(9, question(9, "Nine")), parent=310, context=context, level=level)
    twice = Twice(tmp_path, questions=bank(categories=other))
    before = list(QuestionCategory.objects.order_by("pk").values())
    again = twice.again(questions=bank(categories=other))
    assert list(QuestionCategory.objects.order_by("pk").values()) == before
    assert questions_of(twice.course) == ["Nine"]
    assert counted(again, "question_bank_entry") == (1, 0, 0)


def test_an_id_number_that_is_taken_stays_with_the_question_that_had_it(tmp_path: Path) -> None:
    twice = Twice(tmp_path, questions=bank(entry(1, question(1, "One"), idnumber="Q1")))
    again = twice.again(questions=bank(entry(1, question(1, "One", "Other?"), idnumber="Q1")))
    rows = QuestionBankEntry.objects.filter(category__course=twice.course).order_by("pk")
    assert [row.idnumber for row in rows] == ["Q1", None]
    assert "idnumber-taken" in again.findings


def test_a_link_in_a_question_does_not_make_it_another_one(tmp_path: Path) -> None:
    linked = bank(entry(1, question(1, "One", "see $@FORUMVIEWBYID*31@$ and $@PAGEVIEWBYID*999@$")))
    twice = Twice(tmp_path, questions=linked)
    assert "$@" not in Question.objects.get().questiontext
    assert counted(twice.again(questions=linked), "question_bank_entry") == (1, 0, 0)
    assert questions_of(twice.course) == ["One"]


def test_tags_and_what_nobody_describes_of_a_question_here_are_not_doubled(tmp_path: Path) -> None:
    def tagged(*names: str) -> bytes:
        tags = "".join(
            f'<tag id="{number}" contextid="101"><name>{name}</name><rawname>{name}</rawname></tag>'
            for number, name in enumerate(names, 5)
        )
        inside = f"<tags>{tags}</tags><strange><level>2</level></strange>"
        return bank(entry(1, question(1, "One", inside=inside)))

    twice = Twice(tmp_path, questions=tagged("red"))
    opaque = OpaqueElement.objects.filter(item_type="question").count()
    again = twice.again(questions=tagged("red", "blue"))
    assert questions_of(twice.course) == ["One"]
    assert sorted(QuestionTag.objects.values_list("name", flat=True)) == ["blue", "red"]
    assert counted(again, "questiontag") == (1, 1, 0)
    assert OpaqueElement.objects.filter(item_type="question").count() == opaque == 1


def test_two_records_that_say_the_same_stay_two(tmp_path: Path) -> None:
    both = bank(entry(1, question(1, "One")), entry(2, question(2, "One")))
    pair = groups([group(41, "Red"), group(42, "Red")])
    twice = Twice(tmp_path, questions=both, groups=pair)
    again = twice.again(questions=both, groups=pair)
    assert questions_of(twice.course) == ["One", "One"]
    assert counted(again, "group") == (2, 0, 0)


def test_a_record_that_is_here_is_read_as_strictly_as_one_that_is_new(tmp_path: Path) -> None:
    twice = Twice(tmp_path)
    with pytest.raises(InvalidValue, match="id of <group>"):
        twice.again(groups=('<group id="41">', '<group id="²">'))
    with pytest.raises(InvalidValue, match="Two <scale>"):
        twice.again(scales=scales(scale(3, "Stars", "1,2,3"), scale(3, "Stars", "1,2,3")))


KINDS: dict[str, Any] = {
    "groups": Group,
    "members of groups": GroupMember,
    "groupings": Grouping,
    "groups in groupings": GroupingGroup,
    "scales": Scale,
    "outcomes": Outcome,
    "badges": Badge,
    "enrolment methods": Enrol,
    "enrolments": UserEnrolment,
    "contents of the content bank": BankContent,
    "hints": QuestionHint,
}


def kinds_of(course: Course) -> dict[str, int]:
    """The numbers of records of a course that do not belong to one activity."""
    found = {name: model.objects.count() for name, model in KINDS.items()}
    own = QuestionCategory.objects.filter(course=course).exclude(contextlevel=70)
    found["question categories"] = own.count()
    found["questions"] = Question.objects.filter(version__entry__category__in=own).count()
    found["answers"] = QuestionAnswer.objects.filter(question__version__entry__category__in=own).count()
    found["hints"] = QuestionHint.objects.filter(question__version__entry__category__in=own).count()
    found["events"] = CalendarEvent.objects.filter(course=course, activity=None).count()
    found["roles in the course"] = RoleAssignment.objects.filter(contextid=course.contextid).count()
    found["grade letters"] = GradeLetter.objects.filter(contextid=course.contextid).count()
    files = File.objects.filter(course=course, contextid=course.contextid)
    for component in ("badges", "group", "grouping", "contentbank", "calendar", "customfield_textarea"):
        found[f"files of {component}"] = files.filter(component=component).count()
    found["files of scales and outcomes"] = files.filter(filearea__in=["scale", "outcome"]).count()
    return found


def test_the_rich_course_into_the_course_it_came_from_twice_doubles_nothing(fixtures: Path) -> None:
    path = fixtures / "rich1-users.mbz"
    course = restore(path).course
    first = kinds_of(course)
    for times in (2, 3):
        again = restore(path, target={"course": course.pk})
        counts = kinds_of(course)
        for name, number in first.items():
            print(f"{name}: {number} at first, {counts[name]} after {times} times")
        assert counts == first
        matched = {row["kind"]: row for row in again.job.result["matching"]}
        assert all(row["differs"] == 0 for row in matched.values())
        new = {kind: row["new"] for kind, row in matched.items() if row["new"]}
        assert new == {"question_category": 2, "question_bank_entry": 4}, (
            "the bank of a quiz comes with the quiz"
        )


NAMES = st.sampled_from(["a", "b", "c"])
SMALL = st.integers(0, 2)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    some_scales=st.lists(st.tuples(NAMES, NAMES), max_size=4),
    some_groups=st.lists(st.tuples(NAMES, NAMES, st.sets(st.sampled_from([11, 12]))), max_size=4),
    some_questions=st.lists(st.lists(st.tuples(NAMES, NAMES, NAMES), min_size=1, max_size=3), max_size=5),
    start=st.lists(st.lists(st.tuples(NAMES, NAMES, NAMES), min_size=1, max_size=2), max_size=3),
)
def test_any_archive_twice_into_a_course_is_the_same_as_once(
    tmp_path: Path, some_scales: Any, some_groups: Any, some_questions: Any, start: Any
) -> None:
    def banked(entries: Any) -> bytes:
        found = []
        for index, versions in enumerate(entries, 1):
            inside = [
                question(
                    index * 10 + number,
                    name,
                    text,
                    answers=(answer(index * 100 + number, said),),
                    version=number,
                )
                for number, (name, text, said) in enumerate(versions, 1)
            ]
            found.append(entry(index, *inside))
        return bank(*found)

    members: dict[str, Change] = {
        "scales": scales(*(scale(number, *one) for number, one in enumerate(some_scales, 3))),
        "groups": groups(
            group(number, name, *people, said=said)
            for number, (name, said, people) in enumerate(some_groups, 41)
        ),
        "questions": banked(some_questions),
    }
    twice = Twice(tmp_path, questions=banked(start))
    twice.again(**members)
    once = kinds_of(twice.course)
    twice.again(**members)
    assert kinds_of(twice.course) == once


def test_statements_do_not_grow_with_the_records_that_are_compared(tmp_path: Path) -> None:
    def statements(number: int) -> int:
        members: dict[str, Change] = {
            "groups": groups(group(41 + one, f"Group {one}", 11, 12) for one in range(number)),
            "questions": bank(
                *(entry(one, question(one, f"Question {one}")) for one in range(1, number + 1))
            ),
            "scales": scales(*(scale(3 + one, f"Scale {one}", f"a,{one}") for one in range(number))),
        }
        twice = Twice(tmp_path, **members)
        twice.again(**members)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            twice.again(**members)
        return len(captured)

    assert statements(60) <= statements(3)


def test_a_course_with_every_field_into_itself_doubles_nothing(tmp_path: Path) -> None:
    course = Exhaustive(1).make()
    path = back_up(course, tmp_path / "a.mbz", logs=1, grade_histories=1)
    first = kinds_of(course)
    again = restore(path, target={"course": course.pk})
    assert kinds_of(course) == first
    assert {row["kind"] for row in again.job.result["matching"] if row["differs"]} == set()


@pytest.mark.parametrize("name", ["rich1-section.mbz", "rich1-activity-forum.mbz", "rich1-nousers.mbz"])
def test_a_part_and_an_archive_without_people_double_nothing(fixtures: Path, name: str) -> None:
    course = restore(fixtures / "rich1-users.mbz").course
    first = kinds_of(course)
    restore(fixtures / name, target={"course": course.pk})
    assert kinds_of(course) == first


def test_groups_that_a_replaced_course_keeps_are_those_of_the_archive(tmp_path: Path) -> None:
    twice = Twice(tmp_path, groups=groups([group(41, "Red", 11)]))
    kept = Group.objects.get(course=twice.course)
    path = twice.archive({"groups": groups([group(41, "Red", 11, 12)])})
    restore(path, target={"course": twice.course.pk, "replace": True}, keep_groups_and_groupings=1)
    assert Group.objects.get(course=twice.course) == kept
    assert GroupMember.objects.filter(group=kept).count() == 2


def test_the_page_of_the_job_says_what_was_here(tmp_path: Path, client: Client) -> None:
    twice = Twice(tmp_path)
    again = twice.again()
    client.force_login(User.objects.create_superuser("root", "root@example.org", "x"))
    page = client.get(f"/jobs/{again.job.pk}/").content.decode()
    assert "What the course had already" in page
    assert "Group members" in page
