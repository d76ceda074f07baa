"""Question banks of Moodle 5: several in one course, and banks of which an archive has parts only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lxml import etree

from courses.activities.qbank import Qbank
from courses.activities.quiz import QuestionReference, QuestionSetReference
from courses.models import Activity, File
from courses.models.questions import QuestionBankEntry, QuestionCategory
from tests.archive.sample import HEAD
from tests.archives_made import real, small, texts
from tests.jobs_done import back_up, faults, restore
from tests.restore.test_question_banks import category

pytestmark = pytest.mark.django_db(transaction=True)

MANIFEST = "moodle_backup.xml"
OF_5 = ("<backup_version>2024100700", "<backup_version>2025100600")
QUESTIONS = "questions.xml"
PARTS = "".join(
    (
        category(291, "Rivers", 290, 999, 70),
        category(292, "Long rivers", 291, 999, 70),
        category(391, "Mountains", 390, 998, 70),
    )
)
LISTED = "".join(f"<question_category><id>{number}</id></question_category>" for number in (291, 292, 391))


@pytest.fixture
def of_503(fixtures: Path) -> Path:
    return fixtures / "moodle5" / "real-5.0.3-coderunner.mbz"


def parts_of_banks(tmp_path: Path) -> Path:
    """An archive of 5.1 with categories of two banks that it does not hold, and without the tops of these."""
    return small(
        tmp_path / "a.mbz",
        {
            MANIFEST: OF_5,
            QUESTIONS: f"{HEAD}<question_categories>{PARTS}</question_categories>".encode(),
            "course/inforef.xml": (
                "</inforef>",
                f"<question_categoryref>{LISTED}</question_categoryref></inforef>",
            ),
        },
    )


def test_the_banks_of_a_course_are_activities_with_their_own_categories(of_503: Path, tmp_path: Path) -> None:
    course = restore(of_503).course
    banks = {bank.name: bank for bank in Qbank.objects.filter(owner__course=course)}
    assert {name: bank.type for name, bank in banks.items()} == {
        "Backup and restore test course course question bank": "standard",
        "SecondQuestionBank": "",
    }
    for bank in banks.values():
        held = QuestionCategory.objects.filter(course=course, contextid=bank.owner.contextid)
        assert set(held.values_list("contextlevel", "contextinstanceid")) == {(70, bank.owner_id)}
        assert held.filter(name="top", parent=0).count() == 1
    assert not QuestionCategory.objects.filter(course=course, contextid=course.contextid).exists()
    written = back_up(course, tmp_path / "b.mbz")
    assert faults(written) == []
    found = texts(written)
    for bank in banks.values():
        listed = etree.fromstring(found[f"activities/qbank_{bank.owner_id}/inforef.xml"].encode())
        numbers = {int(one.text or 0) for one in listed.iterfind("question_categoryref/question_category/id")}
        of_bank = QuestionCategory.objects.filter(contextid=bank.owner.contextid)
        assert numbers == set(of_bank.values_list("pk", flat=True)) != set()
    assert "question_categoryref" not in found["course/inforef.xml"]


def test_parts_of_banks_that_are_not_in_the_archive_get_a_hidden_bank_each(tmp_path: Path) -> None:
    done = restore(parts_of_banks(tmp_path))
    assert "questions-moved" not in done.findings
    [finding] = done.job.findings.filter(code="bank-made")
    assert "“Mountains”, “Rivers”" in finding.message
    banks = list(Qbank.objects.filter(owner__course=done.course).order_by("pk"))
    assert [bank.name for bank in banks] == ["Mountains", "Rivers"]
    for bank in banks:
        assert bank.type == "system"
        assert (bank.owner.visible, bank.owner.visibleoncoursepage, bank.owner.section.number) == (0, 0, 0)
        assert str(bank.owner_id) in bank.owner.section.sequence.split(",")
    tree = {
        one.name: (one.contextid, QuestionCategory.objects.filter(pk=one.parent).values_list("name").first())
        for one in QuestionCategory.objects.filter(course=done.course).exclude(name="top")
    }
    assert tree == {
        "Rivers": (banks[1].owner.contextid, ("top",)),
        "Long rivers": (banks[1].owner.contextid, ("Rivers",)),
        "Mountains": (banks[0].owner.contextid, ("top",)),
    }
    assert faults(back_up(done.course, tmp_path / "b.mbz")) == []


def test_parts_of_a_bank_that_the_course_has_go_into_it(tmp_path: Path) -> None:
    path = parts_of_banks(tmp_path)
    done = restore(path)
    again = restore(path, target={"course": done.course.pk})
    assert "bank-made" not in again.findings
    assert Qbank.objects.filter(owner__course=done.course).count() == 2
    names = QuestionCategory.objects.filter(course=done.course).exclude(name="top").values_list("name")
    assert sorted(name for (name,) in names) == ["Long rivers", "Mountains", "Rivers"]


def test_a_quiz_without_its_banks_keeps_questions_files_and_conditions(of_503: Path, tmp_path: Path) -> None:
    done = restore(of_503, qbank_961_included=False, qbank_962_included=False)
    course = done.course
    fixed = QuestionReference.objects.filter(within__quiz__owner__course=course)
    entries = QuestionBankEntry.objects.filter(category__course=course)
    assert fixed.exists()
    assert set(fixed.values_list("questionbankentryid", flat=True)) <= set(
        entries.values_list("pk", flat=True)
    )
    contexts = set(Activity.objects.filter(course=course).values_list("contextid", flat=True))
    banks = Qbank.objects.filter(owner__course=course)
    assert {bank.type for bank in banks} == {"system"}
    assert set(entries.values_list("category__contextid", flat=True)) <= contexts
    files = File.objects.filter(course=course, component__startswith="qtype_")
    assert set(files.values_list("contextid", flat=True)) <= contexts
    for random in QuestionSetReference.objects.filter(within__quiz__owner__course=course):
        assert random.questionscontextid in contexts
        condition = json.loads(random.filtercondition or "{}")
        if "cat" in condition:
            assert int(condition["cat"].split(",")[1]) == random.questionscontextid


def test_links_to_a_bank_in_its_introduction_and_elsewhere_lead_here(of_503: Path, tmp_path: Path) -> None:
    token = "$@QBANKVIEWBYID*961@$"
    path = real(
        of_503,
        tmp_path / "a.mbz",
        {"activities/qbank_962/qbank.xml": ("Another question bank", f"Another one than {token}")},
    )
    course = restore(path).course
    first, second = Qbank.objects.filter(owner__course=course).order_by("pk")
    assert f"/mod/qbank/view.php?id={first.owner_id}" in second.intro
    written = texts(back_up(course, tmp_path / "b.mbz"))
    assert f"$@QBANKVIEWBYID*{first.owner_id}@$" in written[f"activities/qbank_{second.owner_id}/qbank.xml"]
