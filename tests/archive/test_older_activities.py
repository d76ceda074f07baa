"""Activities of old archives, read as those of today."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from tests.archive.older_made import modern_of

V20, V22, V24, V25, V26, V28, V35, V44, V45 = (
    2010112400,
    2011112900,
    2012120300,
    2013050100,
    2013111800,
    2014111000,
    2018051700,
    2024042200,
    2024100700,
)


def activity(folder: Path, name: str, inside: str, *, version: int) -> etree._Element:
    """The record of an activity as it is read."""
    text = f'<activity id="1" moduleid="7" modulename="{name}" contextid="30"><{name} id="1">{inside}</{name}></activity>'
    (found,) = modern_of(folder, version, f"activities/{name}_7/{name}.xml", text)
    return found


@pytest.mark.parametrize(
    ("version", "prevent", "cutoff"), [(V24, "1", "500"), (V24, "0", "600"), (V45, "1", "600")]
)
def test_no_late_submissions_means_that_the_last_moment_is_when_it_is_due(
    tmp_path: Path, version: int, prevent: str, cutoff: str
) -> None:
    inside = f"<duedate>500</duedate><preventlatesubmissions>{prevent}</preventlatesubmissions><cutoffdate>600</cutoffdate>"
    found = activity(tmp_path, "assign", inside, version=version)
    assert [each.text for each in found.iterfind("cutoffdate")] == [cutoff]


@pytest.mark.parametrize(
    ("method", "attempts", "version", "expected"),
    [
        ("none", "-1", V44, ("untilpass", "1")),
        ("manual", "-1", V44, ("manual", "-1")),
        ("untilpass", "3", V44, ("untilpass", "3")),
        ("none", "-1", V45, ("none", "-1")),
    ],
)
def test_an_assignment_that_is_never_opened_again_has_one_attempt(
    tmp_path: Path, method: str, attempts: str, version: int, expected: tuple[str, str]
) -> None:
    inside = f"<attemptreopenmethod>{method}</attemptreopenmethod><maxattempts>{attempts}</maxattempts>"
    found = activity(tmp_path, "assign", inside, version=version)
    assert (found.findtext("attemptreopenmethod"), found.findtext("maxattempts")) == expected


def test_extensions_and_locks_leave_peoples_grades(tmp_path: Path) -> None:
    inside = """<grades><grade id="4"><userid>11</userid><grade>50.00000</grade><extensionduedate>900</extensionduedate>
    <mailed>0</mailed><locked>1</locked></grade><grade id="5"><userid>12</userid><extensionduedate>0</extensionduedate>
    <mailed>0</mailed><locked>0</locked></grade></grades>"""
    found = activity(tmp_path, "assign", inside, version=V25)
    (flag,) = found.findall("userflags/userflag")
    assert {each.tag: each.text for each in flag} == {
        "userid": "11",
        "extensionduedate": "900",
        "locked": "1",
    }
    assert [each.get("id") for each in found.iterfind("grades/grade")] == ["4", "5"]
    assert found.find("grades/grade/locked") is None


def test_the_last_attempt_of_each_says_that_it_is(tmp_path: Path) -> None:
    rows = [(1, 11, 0, 0), (2, 11, 0, 1), (3, 12, 0, 0), (4, 0, 21, 0), (5, 0, 21, 1)]
    inside = "".join(
        f'<submission id="{number}"><userid>{user}</userid><groupid>{group}</groupid>'
        f"<attemptnumber>{attempt}</attemptnumber></submission>"
        for number, user, group, attempt in rows
    )
    found = activity(tmp_path, "assign", f"<submissions>{inside}</submissions>", version=V26)
    latest = [
        each.get("id") for each in found.iterfind("submissions/submission") if each.findtext("latest") == "1"
    ]
    assert latest == ["2", "3", "5"]


@pytest.mark.parametrize(("timed", "seconds"), [(1, "1200"), (0, "0")])
def test_the_minutes_of_a_lesson_become_seconds(tmp_path: Path, timed: int, seconds: str) -> None:
    found = activity(tmp_path, "lesson", f"<timed>{timed}</timed><maxtime>20</maxtime>", version=V28)
    assert {each.tag: each.text for each in found} == {"timelimit": seconds}


def test_a_workshop_without_attachments_is_one_for_texts(tmp_path: Path) -> None:
    found = activity(tmp_path, "workshop", "<nattachments>0</nattachments>", version=V35)
    told = {each.tag: each.text for each in found}
    assert told == {"submissiontypetext": "2", "submissiontypefile": "0", "nattachments": "1"}
    found = activity(tmp_path, "workshop", "<nattachments>3</nattachments>", version=V35)
    assert {each.tag: each.text for each in found} == {"nattachments": "3"}


@pytest.mark.parametrize(("name", "area"), [("forum", "post"), ("data", "entry"), ("glossary", "entry")])
def test_a_rating_says_what_it_is_of(tmp_path: Path, name: str, area: str) -> None:
    inside = (
        '<things><thing id="2"><ratings><rating id="3"><value>5</value></rating></ratings></thing></things>'
    )
    found = activity(tmp_path, name, inside, version=V20)
    (rating,) = found.iter("rating")
    assert (rating.findtext("component"), rating.findtext("ratingarea")) == (f"mod_{name}", area)


@pytest.mark.parametrize(("version", "seen"), [(V35, ["11"]), (V45, [])])
def test_who_has_seen_an_activity_is_a_record_of_its_own(
    tmp_path: Path, version: int, seen: list[str]
) -> None:
    text = """<completions><completion id="4"><userid>11</userid><completionstate>0</completionstate><viewed>1</viewed>
    <timemodified>70</timemodified></completion><completion id="5"><userid>12</userid><completionstate>1</completionstate>
    <viewed>0</viewed><timemodified>80</timemodified></completion></completions>"""
    root = modern_of(tmp_path, version, "activities/page_7/completion.xml", text)
    views = root.findall("completionviews/completionview")
    assert [each.findtext("userid") for each in views] == seen
    assert [each.findtext("timecreated") for each in views] == ["70"] * len(seen)
    assert [each.findtext("completionstate") for each in root.iterfind("completion")] == ["0", "1"]
    assert (root.find("completion/viewed") is None) is bool(seen)


def test_an_attempt_with_an_end_is_finished(tmp_path: Path) -> None:
    inside = """<attempts><attempt id="1"><timefinish>100</timefinish></attempt><attempt id="2"><timefinish>0</timefinish>
    </attempt></attempts>"""
    found = activity(tmp_path, "quiz", inside, version=V22)
    assert [each.findtext("state") for each in found.iter("attempt")] == ["finished", "inprogress"]


@pytest.mark.parametrize(
    ("flags", "penalties", "expected"),
    [("0", "0", "deferredfeedback"), ("1", "0", "adaptivenopenalty"), ("1", "1", "adaptive")],
)
def test_a_quiz_of_2_0_behaves_as_its_options_said(
    tmp_path: Path, flags: str, penalties: str, expected: str
) -> None:
    inside = f"<optionflags>{flags}</optionflags><penaltyscheme>{penalties}</penaltyscheme><popup>1</popup>"
    found = activity(tmp_path, "quiz", inside, version=V20)
    assert found.findtext("preferredbehaviour") == expected
    assert found.findtext("browsersecurity") == "securewindow"
    assert found.find("optionflags") is None


def test_a_quiz_of_2_0_shows_what_its_review_said(tmp_path: Path) -> None:
    right_away, responses, answers, overall = 0x3C003F, 0x1041, 8 * 0x1041, 0x4440000
    review = right_away & (responses | answers | overall)
    found = activity(tmp_path, "quiz", f"<review>{review}</review>", version=V20)
    told = {
        name: int(found.findtext(f"review{name}", ""))
        for name in ("attempt", "marks", "rightanswer", "overallfeedback")
    }
    assert told == {"attempt": 0x11000, "marks": 0x10000, "rightanswer": 0x11000, "overallfeedback": 0x1000}


def test_the_safe_browser_is_a_rule_of_its_own(tmp_path: Path) -> None:
    inside = "<preferredbehaviour>adaptive</preferredbehaviour><browsersecurity>safebrowser</browsersecurity>"
    found = activity(tmp_path, "quiz", inside, version=V35)
    assert found.findtext("browsersecurity") == "-"
    assert (
        found.findtext("subplugin_quizaccess_seb_quiz/quizaccess_seb_quizsettings/requiresafeexambrowser")
        == "4"
    )


@pytest.mark.parametrize(("said", "expected"), [("1", "1"), ("0", "0")])
def test_that_a_quiz_is_complete_when_passed_is_said_of_the_activity(
    tmp_path: Path, said: str, expected: str
) -> None:
    quiz = (
        f'<activity id="1" contextid="30"><quiz id="1"><completionpass>{said}</completionpass><question_instances>\n'
        "</question_instances></quiz></activity>"
    )
    module = '<module id="7" version="2021051700"><modulename>quiz</modulename></module>'
    root = modern_of(tmp_path, V35, "activities/quiz_7/module.xml", module, activities__quiz_7__quiz=quiz)
    assert root.findtext("completionpassgrade", "0") == expected
    assert (
        activity(tmp_path, "quiz", f"<completionpass>{said}</completionpass>", version=V35).find(
            "completionpass"
        )
        is None
    )


def test_a_slot_of_a_question_that_was_taken_out_is_left_over(tmp_path: Path) -> None:
    slots = "".join(
        f'<question_instance id="{number}"><question>{number}</question><grade>1</grade></question_instance>'
        for number in (7, 8)
    )
    inside = f"<questions>8,0</questions><question_instances>{slots}</question_instances>"
    found = activity(tmp_path, "quiz", inside, version=V26)
    assert [each.get("id") for each in found.iter("question_instance")] == ["8"]


def test_a_slot_of_one_question_has_no_tags(tmp_path: Path) -> None:
    slot = '<question_instance id="7"><slot>1</slot><questionid>8</questionid><tags>\n</tags></question_instance>'
    found = activity(tmp_path, "quiz", f"<question_instances>{slot}</question_instances>", version=V35)
    (reference,) = found.iter("question_reference")
    assert reference.findtext("questionbankentryid") == "8"
    assert next(found.iter("tags"), None) is None


@pytest.mark.parametrize(
    ("penalty", "expected"),
    [("0.33", "0.3333333"), ("0.6666667", "0.6666667"), ("0.1", "0.1"), ("1.5", "1"), ("NaN", "NaN")],
)
def test_a_question_of_2_0_has_a_mark_and_exact_penalties(
    tmp_path: Path, penalty: str, expected: str
) -> None:
    text = (
        '<question_categories><question_category id="1"><parent>0</parent><contextid>30</contextid><questions><question id="2">'
        f"<defaultgrade>2.0000000</defaultgrade><penalty>{penalty}</penalty></question></questions></question_category>"
        "</question_categories>"
    )
    question = next(modern_of(tmp_path, V20, "questions.xml", text).iter("question"))
    assert question.findtext("defaultmark") == "2.0000000"
    assert question.findtext("penalty") == expected
