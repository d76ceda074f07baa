"""Archives that are no good: one clear sentence, an exit code, and no trace in the database."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from archive.errors import ArchiveError, CoursekeepError, PrecheckFailed
from courses.models import Course
from tests.archive import sample
from tests.archives_made import Change, members, packed, small
from tests.conftest import PROJECT
from tests.jobs_done import restore, row_counts

FORUM = "activities/forum_31/forum.xml"
MODULE = "activities/forum_31/module.xml"
PAGE = "activities/page_32/page.xml"
SECTION = "sections/section_21/section.xml"
COURSE = "course/course.xml"
MANIFEST = "moodle_backup.xml"
HUGE = "9" * 30
NUL = b'<?xml version="1.0" encoding="UTF-8"?>\n<users>\0</users>'
BOMB = (
    b'<?xml version="1.0"?>\n<!DOCTYPE users [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + level, b"&%c;" % (97 + level) * 10) for level in range(9))
    + b"]>\n<users>&j;</users>"
)

CHANGES: dict[str, tuple[Mapping[str, Change], str]] = {
    # A member is missing.
    "no manifest": ({MANIFEST: None}, "moodle_backup.xml"),
    "no people": ({"users.xml": None}, "users.xml"),
    "no file of an activity": ({FORUM: None}, FORUM),
    "no module of an activity": ({MODULE: None}, MODULE),
    "no section": ({SECTION: None}, SECTION),
    "no course": ({COURSE: None}, COURSE),
    # XML that is none.
    "the manifest is cut": ({MANIFEST: b"<moodle_backup><information>"}, f"{MANIFEST}, line 1"),
    "the people are cut": ({"users.xml": b"<users>\n<user id='1'>\n"}, "users.xml, line"),
    "a forum is cut": ({FORUM: ("</discussions>", "")}, f"{FORUM}, line"),
    "groups are cut": ({"groups.xml": ("</groups>", "")}, "groups.xml, line"),
    "questions are cut": ({"questions.xml": ("</question_categories>", "")}, "questions.xml, line"),
    "files are cut": ({"files.xml": ("</files>", "")}, "files.xml, line"),
    "a section is cut": ({SECTION: ("</section>", "")}, f"{SECTION}, line"),
    "NUL in a member": ({"users.xml": NUL}, "users.xml, line 2"),
    "no UTF-8": ({"users.xml": b"<users>\n\xff\xfe</users>"}, "users.xml, line 2"),
    "another encoding": ({"users.xml": b"<?xml version='1.0' encoding='UTF-16'?>\n<users/>"}, "users.xml"),
    "an entity bomb": ({"users.xml": BOMB}, "users.xml"),
    "an entity of the machine": (
        {PAGE: b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>\n<activity>&x;</activity>"},
        PAGE,
    ),
    "an empty member": ({PAGE: b""}, PAGE),
    # A content is not what its name says.
    "a hash that climbs": ({"files.xml": (sample.PICTURE_HASH, "../../../../etc/passwd")}, "files.xml"),
    # Values that do not fit.
    "a digit of another script": ({FORUM: ("<userid>11", "<userid>²")}, f"{FORUM}, <"),
    "a number of another script": ({FORUM: ('<post id="62"', '<post id="٦٢"')}, FORUM),
    "text for a number": ({FORUM: ("<userid>11", "<userid>eleven")}, f"{FORUM}, <"),
    "a number beyond 64 bits": ({FORUM: ("<userid>11", f"<userid>{HUGE}")}, f"{FORUM}, <"),
    "a post's parent beyond 64 bits": ({FORUM: ("<parent>61", f"<parent>{HUGE}")}, f"{FORUM}, <post"),
    "a file's context is text": (
        {"files.xml": ("<contextid>102", "<contextid>here")},
        "files.xml, <file id=71>",
    ),
    "an override of no role": (
        {
            "course/roles.xml": b"<roles><role_overrides><override id='1'><roleid>x</roleid>"
            b"<permission>y</permission></override></role_overrides></roles>"
        },
        "course/roles.xml, <override id=1>",
    ),
    "a person's first access is text": (
        {"users.xml": ("<deleted>0", "<firstaccess>long ago</firstaccess><deleted>0")},
        "users.xml",
    ),
    "a person's number is text": ({"users.xml": ('id="11"', 'id="anna"')}, "users.xml"),
    "a person's number is huge": ({"users.xml": ('id="11"', f'id="{HUGE}"')}, "users.xml"),
    "a role's number is text": ({"roles.xml": ('id="5"', 'id="five"')}, "roles.xml"),
    "a grouping of no number": (
        {"groups.xml": ("<groupings>", '<groupings><grouping id="-1"><name>x</name></grouping>')},
        "groups.xml",
    ),
    "a section's number is text": (
        {SECTION: ("<number>0", "<number>first")},
        f"{SECTION}, <section id=21>, <number>",
    ),
    "a sequence of text": (
        {SECTION: ("<sequence>31", "<sequence>a")},
        f"{SECTION}, <section id=21>, <sequence>",
    ),
    "the manifest's number is text": ({MANIFEST: ("<moduleid>31", "<moduleid>x")}, MANIFEST),
    "the manifest's date is huge": ({MANIFEST: ("<backup_date>18", f"<backup_date>{HUGE}")}, MANIFEST),
    # Numbers that mean two things, or nothing.
    "two posts of one number": ({FORUM: ('<post id="62"', '<post id="61"')}, FORUM),
    "two people of one number": ({"users.xml": ('id="12"', 'id="11"')}, "users.xml"),
    "two people of one name": ({"users.xml": ("<username>boris", "<username>anna")}, "users.xml"),
    "two people in one context": ({"users.xml": ('contextid="512"', 'contextid="511"')}, "users.xml"),
    "a post without a number": ({FORUM: ('<post id="62"', "<post")}, FORUM),
    "a negative number": ({FORUM: ('<post id="62"', '<post id="-62"')}, FORUM),
    "an activity without a context": ({FORUM: (' contextid="103"', "")}, FORUM),
    "two forums in one activity": (
        {FORUM: ("</forum>", "</forum><forum id='99'><name>b</name></forum>")},
        "",
    ),
    "a block in the site's context": (
        {
            "course/blocks/html_6/block.xml": b'<block id="6" contextid="1" version="1"><blockname>html</blockname></block>'
        },
        "course/blocks/html_6/block.xml",
    ),
    "a block in an activity's context": (
        {
            "course/blocks/html_6/block.xml": b'<block id="6" contextid="103" version="1"><blockname>html</blockname>'
            b"</block>"
        },
        "course/blocks/html_6/block.xml",
    ),
    "a person in the site's context": ({"users.xml": ('contextid="511"', 'contextid="1"')}, "users.xml"),
    "the course in the site's context": ({COURSE: ('contextid="101"', 'contextid="1"')}, COURSE),
    "another course than the manifest's": ({COURSE: ('id="2"', 'id="3"')}, COURSE),
    "another activity than the manifest's": ({MODULE: ('id="31"', 'id="33"')}, MODULE),
    "another type than the manifest's": ({MODULE: ("<modulename>forum", "<modulename>../../x")}, MODULE),
    "another section than any": ({MODULE: ("<sectionid>21", "<sectionid>22")}, MODULE),
    # What the manifest must not say.
    "a type with a path": ({MANIFEST: ("<modulename>forum", "<modulename>../forum")}, MANIFEST),
    "a type with SQL": ({MANIFEST: ("<modulename>forum", "<modulename>forum'; DROP TABLE x--")}, MANIFEST),
    "a folder outside": (
        {MANIFEST: ("<directory>activities/forum_31", "<directory>../../etc")},
        MANIFEST,
    ),
    "an absolute folder": ({MANIFEST: ("<directory>activities/forum_31", "<directory>/etc")}, MANIFEST),
    "no format": ({MANIFEST: ("<format>moodle2", "<format>moodle9")}, MANIFEST),
    "Moodle 1.9": ({MANIFEST: ("<backup_version>2024100700", "<backup_version>2008030300")}, MANIFEST),
}


@pytest.fixture
def transactional_db(standing: None) -> None:
    """The tests of this module share a database in which nothing may be left."""


def refused(path: Path) -> CoursekeepError:
    """Restores what cannot be restored: the error, after a look at what it left."""
    before = row_counts()
    with pytest.raises(CoursekeepError) as caught:
        restore(path)
    assert row_counts() == before
    return caught.value


@pytest.mark.parametrize("case", CHANGES)
def test_one_sentence_says_what_is_wrong_and_where(transactional_db: None, tmp_path: Path, case: str) -> None:
    changes, place = CHANGES[case]
    error = refused(small(tmp_path / "bad.mbz", changes))
    assert isinstance(error, ArchiveError | PrecheckFailed)
    assert error.exit_code in {3, 4}
    sentence = error.sentence()
    assert place in sentence
    assert "\n" not in sentence
    assert len(sentence) < 600


def test_the_unchanged_archive_is_restored(transactional_db: None, tmp_path: Path) -> None:
    restored = restore(small(tmp_path / "good.mbz"))
    assert restored.course.fullname == "A sample"


def archive_of(*entries: tuple[str, bytes]) -> bytes:
    return sample.tar_of(*entries)


def bomb() -> bytes:
    """A tar.gz of 10,000 times its size."""
    inside = io.BytesIO()
    with gzip.GzipFile(fileobj=inside, mode="wb", compresslevel=9, mtime=0) as stream:
        entry = tarfile.TarInfo("users.xml")
        entry.size = 64 * 1024 * 1024
        stream.write(entry.tobuf(tarfile.USTAR_FORMAT))
        for _ in range(64):
            stream.write(bytes(1024 * 1024))
        stream.write(bytes(1024))
    return inside.getvalue()


def zip_bomb() -> bytes:
    """A zip of 1,000 times its size."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("users.xml", bytes(64 * 1024 * 1024))
    return target.getvalue()


def good() -> bytes:
    return packed(members())


FILES: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "a text": lambda: b"Dear reader, this is no archive.\n" * 100,
    "an empty gzip": lambda: gzip.compress(b""),
    "a gzip of a text": lambda: gzip.compress(b"hello" * 1000),
    "another archive": lambda: archive_of(("hello.txt", b"hello")),
    "cut in the middle": lambda: good()[: len(good()) // 2],
    "cut before the end": lambda: good()[:-20],
    "a zip that is cut": lambda: packed(members(), container="zip")[:-40],
    "one bit flipped": lambda: good()[:400] + bytes([good()[400] ^ 16]) + good()[401:],
    "a path that climbs": lambda: archive_of(("../../etc/cron.d/x", b"x"), (MANIFEST, b"<moodle_backup/>")),
    "an absolute path": lambda: archive_of(("/etc/cron.d/x", b"x")),
    "a bomb": bomb,
    "a zip bomb": zip_bomb,
}


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_is_no_archive_is_refused_with_one_sentence(
    transactional_db: None, tmp_path: Path, case: str
) -> None:
    path = tmp_path / "bad.mbz"
    path.write_bytes(FILES[case]())
    error = refused(path)
    assert isinstance(error, ArchiveError)
    assert "\n" not in error.sentence()


def run(environment: dict[str, str], *arguments: str) -> tuple[int, str, str]:
    """A command in a process of its own: exit code, standard output, standard error."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT,
        env={**environment, "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr


COMMAND_LINE: dict[str, tuple[Callable[[Path], Any], int]] = {
    "not there": (lambda path: None, 6),
    "not an archive": (lambda path: path.write_bytes(b"hello"), 3),
    "truncated": (lambda path: path.write_bytes(good()[:-100]), 3),
    "member missing": (lambda path: small(path, {"users.xml": None}), 4),
    "malformed": (lambda path: small(path, {FORUM: ("</posts>", "")}), 3),
    "hash that climbs": (lambda path: small(path, CHANGES["a hash that climbs"][0]), 4),
    "not a number": (lambda path: small(path, {FORUM: ("<userid>11", "<userid>x")}), 3),
    "path that climbs": (lambda path: path.write_bytes(FILES["a path that climbs"]()), 3),
    "entity bomb": (lambda path: small(path, {"users.xml": BOMB}), 3),
    "bomb": (lambda path: path.write_bytes(bomb()), 3),
    "records that do not fit": (lambda path: small(path, CHANGES["two forums in one activity"][0]), 3),
}


@pytest.mark.parametrize("case", COMMAND_LINE)
def test_the_command_line_answers_with_a_sentence_and_an_exit_code(
    transactional_db: None, site_environment: dict[str, str], tmp_path: Path, case: str
) -> None:
    make, expected = COMMAND_LINE[case]
    path = tmp_path / "bad.mbz"
    make(path)
    courses = Course.objects.count()
    code, output, said = run(site_environment, "restore", str(path), "--json")
    assert code == expected, said
    assert "Traceback" not in said
    assert len(said.strip().splitlines()) == 1
    told = json.loads(output)
    assert told["error"]["message"]
    assert Course.objects.count() == courses
    assert list(tmp_path.iterdir()) == ([path] if path.exists() else [])
