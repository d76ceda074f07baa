"""The audit trail: entries are added and never changed, they are found again, leave the site as files, and expire."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from archive.errors import UsageError
from audit.models import AuditEntry
from audit.protection import LEAST_DAYS
from audit.search import AuditFilter, csv_lines, json_lines, read_filter
from audit.trail import expire, record
from tests.people_made import person

pytestmark = pytest.mark.django_db


def old(days: int, **columns: object) -> AuditEntry:
    """Make an entry that is so many days old."""
    values = {"action": "download", "at": timezone.now() - timedelta(days=days), **columns}
    return AuditEntry.objects.create(**values)


def refused(change: object) -> str:
    """Return the words in which the database refuses a change."""
    assert callable(change)
    with pytest.raises(DatabaseError) as problem, transaction.atomic():
        change()
    return str(problem.value)


def test_an_entry_has_the_person_the_thing_and_the_time_of_the_database() -> None:
    ada = person("ada")
    record("download", by=ada, subject="archive", subject_id=7, title="a.mbz", course=3, people=True)
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.actor_name, entry.title) == (ada.pk, "Ada Test", "a.mbz")
    assert (entry.subject, entry.subject_id, entry.course) == ("archive", 7, 3)
    assert entry.details == {"people": True}
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        assert abs(cursor.fetchone()[0] - entry.at) < timedelta(minutes=5)


def test_an_action_that_the_list_does_not_have_is_refused() -> None:
    with pytest.raises(KeyError):
        record("dance", by=None)


def test_no_entry_is_changed() -> None:
    entry = old(3, title="a.mbz")
    assert "never changed" in refused(lambda: AuditEntry.objects.update(title="b.mbz"))
    entry.title = "b.mbz"
    assert "never changed" in refused(entry.save)
    assert AuditEntry.objects.get().title == "a.mbz"


def test_no_entry_is_deleted_by_other_doors_than_expiry() -> None:
    entry = old(3000)
    assert "never changed or deleted" in refused(AuditEntry.objects.all().delete)
    assert "never changed or deleted" in refused(entry.delete)


@pytest.mark.parametrize("setting", ["on", "off"])
def test_the_trail_is_not_emptied_at_once(setting: str) -> None:
    old(3000)

    def empty() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('coursekeep.audit_expiry', %s, true)", [setting])
            cursor.execute("TRUNCATE audit_auditentry")

    assert "never changed or deleted" in refused(empty)
    assert AuditEntry.objects.count() == 1


def test_not_even_the_setting_of_expiry_deletes_what_was_done_lately_or_changes_anything() -> None:
    record("download", by=None)
    old(LEAST_DAYS - 1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('coursekeep.audit_expiry', 'on', true)")
        assert "never changed" in refused(AuditEntry.objects.filter(details={}).delete)
        assert "never changed" in refused(lambda: AuditEntry.objects.update(title="x"))
        cursor.execute("SELECT set_config('coursekeep.audit_expiry', 'off', true)")
    assert AuditEntry.objects.count() == 2


def test_deleting_a_person_leaves_the_entries_as_they_are() -> None:
    ada = person("ada")
    record("download", by=ada, subject="account", subject_id=ada.pk)
    number = ada.pk
    ada.delete()
    assert AuditEntry.objects.get().actor == number


def test_expiry_removes_the_oldest_entries_in_chunks_and_protects_the_rest_again() -> None:
    for days in (400, 300, 200, 10):
        old(days)
    before = timezone.now() - timedelta(days=100)
    assert [expire(before, most=2) for _ in range(3)] == [2, 1, 0]
    assert AuditEntry.objects.filter(action="download").count() == 1
    assert "never changed" in refused(AuditEntry.objects.all().delete)


def test_expiry_is_recorded_with_each_chunk_in_one_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    old(400)
    old(300)
    now = timezone.now()
    expire(now, most=1)
    assert [one.details for one in AuditEntry.objects.filter(action="audit-expired")] == [{"number": 1}]

    def broken(*_: object, **__: object) -> None:
        raise OSError("no trail")

    monkeypatch.setattr("audit.trail.record", broken)
    with pytest.raises(OSError, match="no trail"), transaction.atomic():
        expire(now, most=1)
    assert AuditEntry.objects.filter(action="download").count() == 1


def test_expiry_keeps_the_last_90_days_whatever_is_asked() -> None:
    record("download", by=None)
    old(LEAST_DAYS - 1)
    assert expire(timezone.now() + timedelta(days=5), most=10) == 0
    old(LEAST_DAYS + 1)
    assert expire(timezone.now() + timedelta(days=5), most=10) == 1


def test_entries_are_found_by_action_outcome_person_course_words_and_days() -> None:
    ada, tess = person("ada"), person("tess")
    record("download", by=ada, title="Geology of the Alps", course=5)
    record("restore", by=tess, title="Biology", outcome="failed", course=6)
    old(40, title="Geology of the sea")

    def titles(**given: object) -> list[str]:
        return [one.title for one in read_filter(given).entries()]

    assert titles() == ["Geology of the sea", "Biology", "Geology of the Alps"]
    assert titles(action="restore") == titles(outcome="failed") == titles(actor=tess.pk) == ["Biology"]
    assert titles(course="5") == ["Geology of the Alps"]
    assert titles(words="geology") == ["Geology of the sea", "Geology of the Alps"]
    assert titles(words="alps ada") == ["Geology of the Alps"]
    today = timezone.now().astimezone(UTC).date()
    assert titles(last=str(today - timedelta(days=20))) == ["Geology of the sea"]
    assert titles(first=str(today - timedelta(days=1))) == ["Biology", "Geology of the Alps"]


@pytest.mark.parametrize(
    "given",
    [
        {"action": "dance"},
        {"outcome": "well"},
        {"actor": "x"},
        {"course": "-1"},
        {"first": "31.5."},
        {"last": "2026"},
    ],
)
def test_a_filter_that_cannot_be_is_refused_with_a_sentence(given: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        read_filter(given)


def test_the_last_day_of_all_is_no_fault() -> None:
    assert list(read_filter({"first": "9999-12-31", "last": "9999-12-31"}).entries()) == []


def test_pages_follow_one_another_by_key_in_one_statement_each(django_assert_num_queries: object) -> None:
    for number in range(7):
        record("download", by=None, title=str(number))
    chosen, seen, before = AuditFilter(), [], 0
    while True:
        with django_assert_num_queries(1):  # type: ignore[operator]
            rows, before = chosen.page(before=before, size=3)
        seen += [row.title for row in rows]
        if not before:
            break
        record("download", by=None, title="new")  # what comes meanwhile moves no page
    assert seen == [str(number) for number in reversed(range(7))]


def test_an_export_has_each_entry_as_a_line_of_csv_and_of_json() -> None:
    record("download", by=person("ada"), title='A "title", with\nlines', people=True)
    record("sign-in-failed", by=None, title="=1+1")
    rows = list(csv.DictReader(io.StringIO("".join(csv_lines(AuditFilter().stream())), newline="")))
    assert [row["title"] for row in rows] == ["'=1+1", 'A "title", with\nlines']
    assert rows[0]["actor"] == ""
    lines = [json.loads(line) for line in json_lines(AuditFilter().stream())]
    assert lines[1]["details"] == {"people": True}
    assert datetime.fromisoformat(lines[0]["at"]).tzinfo is not None


def test_a_search_reads_an_index_and_not_all_entries() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_auditentry (action, outcome, actor_name, subject, title, address, details, actor, course)"
            " SELECT 'download', 'done', 'Person ' || n, 'archive', 'Course ' || n, '', '{}', n % 500, n % 300"
            " FROM generate_series(1, 20000) AS n"
        )
        cursor.execute("ANALYZE audit_auditentry")
    for chosen in (AuditFilter(), AuditFilter(actor=7), AuditFilter(course=7), AuditFilter(words="19999")):
        plan = chosen.entries()[:51].explain()
        assert "Seq Scan" not in plan, plan


def test_the_command_lists_entries_and_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(3):
        record("download", by=None, title=f"{number}.mbz")
    call_command("audit", "list", "--number", "2", "--json")
    answer = json.loads(capsys.readouterr().out)
    assert [one["title"] for one in answer["entries"]] == ["2.mbz", "1.mbz"]
    call_command("audit", "list", "--before", str(answer["before"]))
    assert "Downloaded an archive “0.mbz”" in capsys.readouterr().out


def test_the_command_exports_into_a_file_that_only_its_owner_reads_and_records_that(tmp_path: Path) -> None:
    record("download", by=None, title="a.mbz")
    file = tmp_path / "audit.jsonl"
    call_command("audit", "export", str(file), "--json")
    titles = [json.loads(line)["title"] for line in file.read_text().splitlines()]
    assert titles[-1] == "a.mbz"
    assert file.stat().st_mode & 0o777 == 0o600
    assert AuditEntry.objects.filter(action="audit-exported").count() == 1
    with pytest.raises(UsageError):
        call_command("audit", "export", str(file))
    with pytest.raises(UsageError, match="format"):
        call_command("audit", "export", str(tmp_path / "audit.txt"))


def test_the_filter_of_a_day_takes_the_whole_day() -> None:
    AuditEntry.objects.create(action="download", at=datetime(2026, 5, 31, 23, 59, 59, tzinfo=UTC))
    assert AuditFilter(first=date(2026, 5, 31), last=date(2026, 5, 31)).entries().count() == 1
    assert AuditFilter(last=date(2026, 5, 30)).entries().count() == 0
