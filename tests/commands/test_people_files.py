"""`restore --people` and `--people-report`: decisions about people in a file, and a file with all of them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from django.core.management import call_command

from archive.errors import NotFound, PrecheckFailed, UsageError
from courses.activities.forum import ForumPost
from courses.models import User
from restore.people_files import REPORT_COLUMNS, decided_in
from tests.archives_made import small
from tests.people_made import person

pytestmark = pytest.mark.django_db(transaction=True)


def run(path: Path, *words: str) -> None:
    """Run the command."""
    call_command("restore", str(path), *words)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_report_has_everybody_and_is_written_although_somebody_is_in_conflict(tmp_path: Path) -> None:
    person("anna")
    report = tmp_path / "people.csv"
    with pytest.raises(PrecheckFailed):
        run(small(tmp_path / "a.mbz"), "--people-report", str(report))
    found = rows(report)
    assert tuple(found[0]) == REPORT_COLUMNS
    assert [(row["username"], row["decision"], row["outcome"], row["account"]) for row in found] == [
        ("anna", "", "conflict", ""),
        ("boris", "", "created", "boris"),
    ]
    assert "another e-mail address" in found[0]["why"]


def test_a_report_with_a_decision_filled_in_is_a_file_of_decisions(tmp_path: Path) -> None:
    person("anna")
    path, report = small(tmp_path / "a.mbz"), tmp_path / "people.csv"
    with pytest.raises(PrecheckFailed):
        run(path, "--people-report", str(report))
    found = rows(report)
    found[0] |= {"decision": "new", "new_username": "anna2"}
    with report.open("w", encoding="utf-8", newline="") as file:
        written = csv.DictWriter(file, REPORT_COLUMNS)
        written.writeheader()
        written.writerows(found)
    again = tmp_path / "again.csv"
    run(path, "--people", str(report), "--people-report", str(again))
    assert set(User.objects.values_list("username", flat=True)) == {"anna", "anna2", "boris"}
    assert [(row["decision"], row["new_username"], row["outcome"]) for row in rows(again)] == [
        ("new", "anna2", "created"),
        ("", "", "created"),
    ]


def test_the_report_of_a_rehearsal_says_who_is_left_out(tmp_path: Path) -> None:
    decisions, report = tmp_path / "d.csv", tmp_path / "r.csv"
    decisions.write_text("username,decision\nboris,out\n")
    run(small(tmp_path / "a.mbz"), "--people", str(decisions), "--people-report", str(report), "--rehearse")
    assert [row["outcome"] for row in rows(report)] == ["created", "left out"]
    assert not User.objects.exists()
    assert not ForumPost.objects.exists()


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("name,decision\nanna,new\n", 1, "The column username is missing"),
        ("username\nanna\n", 1, "The column decision is missing"),
        ("username,decision\nanna,new\nboris,maybe\n", 3, "cannot be “maybe”"),
        ("username,decision\n,new\n", 2, "user name is missing"),
        ("username,decision\nanna,new\n\nanna,out\n", 4, "decided about in line 2 already"),
        ("username,decision,new_username\nanna,here,anna2\n", 2, "with a new user name"),
        ("username,decision,new_username\nanna,,anna2\n", 2, "cannot be “”"),
        ("username,decision,new_username\nanna,new,Anna B\n", 2, "cannot hold “Anna B” as a user name"),
        ("username,decision\nana,new\n", 2, "Nobody in the archive has the user name “ana”"),
        ("username,decision\nanna,new,x\n", 2, "more values"),
    ],
)
def test_a_row_that_cannot_be_is_refused_with_its_line(
    tmp_path: Path, text: str, line: int, message: str
) -> None:
    path, decisions = small(tmp_path / "a.mbz"), tmp_path / "d.csv"
    decisions.write_text(text)
    with pytest.raises(UsageError) as refused:
        decided_in(path, decisions, by=None, target={})
    assert refused.value.where == f"{decisions}, line {line}"
    assert message in refused.value.message


def test_a_file_that_is_not_there_or_no_text_is_named(tmp_path: Path) -> None:
    path, decisions = small(tmp_path / "a.mbz"), tmp_path / "d.csv"
    with pytest.raises(NotFound, match="There is no such file"):
        decided_in(path, decisions, by=None, target={})
    decisions.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="cannot be read"):
        decided_in(path, decisions, by=None, target={})
