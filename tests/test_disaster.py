"""docs/disaster.md: each part of a site is destroyed, the commands of the page bring it back, and all is as before."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from embedded_postgres.server import Embedded
from tests.clean_environment import clean_environment
from tests.conftest import PROJECT

pytestmark = [pytest.mark.slow, pytest.mark.stays_in("the site under test is not the test's own")]

PAGE = PROJECT / "docs" / "disaster.md"

BACK_UP = """
from backup.services import request_backup
from courses.models import Course
from jobs import runner
for course in Course.objects.order_by("pk"):
    runner.run(request_backup(course, by=None, notify=False).pk, raising=True)
"""

STATE = """
import json
from archive.comparison.compare import compare
from archive.container import open_archive
from archive.verify import verify
from backup.services import request_backup
from courses.models import Course, User
from courses.signing import signer
from jobs import runner
from pathlib import Path
from restore.services import opened
from vault.models import StoredArchive
found = {"people": User.objects.count(), "courses": [], "archives": []}
for course in Course.objects.order_by("pk"):
    job = request_backup(course, by=None, path=f"STATE/{course.pk}.mbz", notify=False)
    runner.run(job.pk, raising=True)
    findings = [finding.code for finding in job.findings.all()]
    with open_archive(f"STATE/{course.pk}.mbz") as now:
        findings += [finding.code for finding in verify(now) if finding.level != "info"]
    for before in Path("STATE").parent.glob("before/*.mbz"):
        with open_archive(before) as one, open_archive(f"STATE/{course.pk}.mbz") as two:
            findings += [difference.sentence() for difference in compare(one, two).differences]
    found["courses"].append([course.pk, course.fullname, findings])
for archive in StoredArchive.objects.order_by("file"):
    with opened(archive) as one:
        findings = [finding.code for finding in verify(one, signer=signer()) if finding.level != "info"]
    found["archives"].append([archive.sha256, archive.course_id, archive.source, findings])
print(json.dumps(found))
"""


def commands_under(heading: str) -> str:
    """The shell commands of a section of the page."""
    section = re.search(
        rf"^## {re.escape(heading)}$(.*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL
    )
    assert section is not None, f"docs/disaster.md has no section “{heading}”"
    found = re.search(r"```sh\n(.*?)```", section[1], re.DOTALL)
    assert found is not None, f"the section “{heading}” has no commands"
    return found[1]


class Site:
    """A site of its own with a home folder, and a folder for its disaster copy."""

    def __init__(self, folder: Path) -> None:
        self.home, self.copy, self.folder = folder / "home", folder / "copy", folder
        programs = folder / "bin"
        programs.mkdir()
        program = programs / "manage.py"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{PROJECT / "manage.py"}" "$@"\n')
        program.chmod(0o755)
        self.environment = {
            **clean_environment(),
            "COURSEKEEP_HOME": str(self.home),
            "COPY": str(self.copy),
            "COURSEKEEP_EMBEDDED_FSYNC": "off",
            "PATH": f"{programs}:{os.environ['PATH']}",
        }

    def shell(self, script: str, *, code: int = 0) -> str:
        """Run a script that stops at the first error, and return what it prints."""
        done = subprocess.run(
            ["sh", "-eu", "-c", script],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def python(self, source: str) -> str:
        """Run Python in the site."""
        done = subprocess.run(
            [sys.executable, str(PROJECT / "manage.py"), "shell", "--no-imports", "-c", source],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def follow(self, heading: str) -> str:
        """Do what a section of the page says."""
        return self.shell(commands_under(heading))

    def state(self, name: str) -> dict[str, Any]:
        """Return the courses and archives with what is wrong with them; each course is backed up into the folder `name`."""
        (self.folder / name).mkdir()
        found: dict[str, Any] = json.loads(self.python(STATE.replace("STATE/", f"{self.folder}/{name}/")))
        return found

    def destroy(self, part: str) -> None:
        if part == "postgres":
            Embedded(self.home).stop()
        path = self.home / part
        shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with a course, an archive of it in the storage, a disaster copy, and a later archive of another course."""
    site = Site(tmp_path_factory.mktemp("disaster"))
    site.shell("manage.py migrate --verbosity 0\nmanage.py make_course --size XS --seed 1")
    site.python(BACK_UP)
    site.follow("Make the copy")
    yield site
    Embedded(site.home).stop()


@pytest.fixture(scope="module")
def before(site: Site) -> dict[str, Any]:
    found = site.state("before")
    assert (len(found["courses"]), len(found["archives"])) == (1, 1)
    assert found["courses"][0][2] == found["archives"][0][3] == []
    assert any((site.home / "files").rglob("*")), "the course has contents in the pool"
    return found


def check_equal(site: Site, before: dict[str, Any], name: str) -> None:
    assert site.state(name) == before


def test_a_lost_database_comes_back_and_later_archives_are_listed_again(
    site: Site, before: dict[str, Any]
) -> None:
    site.python(BACK_UP)
    site.destroy("postgres")

    site.follow("The database is gone")

    trail = site.python(
        "from audit.models import AuditEntry as A; print(*A.objects.filter(action='disaster-put-back').values_list('details'))"
    )
    assert "'part': 'database'" in trail
    after = site.state("database")
    assert after["courses"] == before["courses"]
    assert after["people"] == before["people"]
    course = before["courses"][0][0]
    assert [one[1:] for one in after["archives"]] == [[course, "backup", []]] * 2
    assert before["archives"][0] in after["archives"]
    # From here on the later archive belongs to what there was before.
    before.update(after)


def test_a_lost_pool_comes_back(site: Site, before: dict[str, Any]) -> None:
    site.destroy("files")
    site.follow("The pool is gone")
    check_equal(site, before, "pool")


def test_lost_archives_come_back_as_far_as_the_copy_has_them(site: Site, before: dict[str, Any]) -> None:
    site.follow("Make the copy")
    site.destroy("archives")
    site.follow("The archives are gone")
    check_equal(site, before, "archives")


def test_lost_keys_come_back(site: Site, before: dict[str, Any]) -> None:
    site.destroy("site.json")
    site.follow("The keys are gone")
    check_equal(site, before, "keys")


def test_a_site_comes_back_from_its_copy_alone(site: Site, before: dict[str, Any]) -> None:
    Embedded(site.home).stop()
    shutil.rmtree(site.home)
    site.follow("All is gone")
    check_equal(site, before, "all")


def test_a_database_that_holds_courses_is_replaced_only_if_one_says_so(
    site: Site, before: dict[str, Any]
) -> None:
    command = 'manage.py disaster_copy put_back "$COPY" --part database --json'
    said = json.loads(site.shell(command, code=1))
    assert said["error"]["code"] == "disaster-copy"
    site.python("from courses.models import Course; Course.objects.update(fullname='Changed')")
    site.shell(f"{command} --replace")
    check_equal(site, before, "replaced")


def test_without_database_and_copy_the_archives_give_the_courses_back(
    site: Site, before: dict[str, Any]
) -> None:
    site.destroy("postgres")

    site.follow("The database is gone, and there is no copy")

    rows = site.python(
        "from vault.models import StoredArchive as A; print(sorted(A.objects.values_list('sha256', 'source')))"
    )
    assert rows.strip() == str(sorted((one[0], "backup") for one in before["archives"]))
    newest = max((site.home / "archives").rglob("*.mbz"), key=lambda path: path.stat().st_mtime)
    site.shell(f'manage.py restore "{newest}"')
    after = site.state("no-copy")
    assert [(name, findings) for _, name, findings in after["courses"]] == [
        (name, findings) for _, name, findings in before["courses"]
    ]


def test_without_the_keys_it_is_told_that_signatures_are_lost(site: Site) -> None:
    site.destroy("site.json")
    for alias in ("archives", "files", "uploads"):
        (site.home / alias / "coursekeep-site.txt").unlink(missing_ok=True)
    after = site.state("no-keys")
    assert {code for one in after["archives"] for code in one[3]} == set()
    newest = next((site.home / "archives").rglob("*.mbz"))
    said = json.loads(site.shell(f'manage.py verify "{newest}" --json'))
    assert [finding["code"] for finding in said["findings"]] == ["other-signature"]
