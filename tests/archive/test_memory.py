"""Memory while archives are read: it does not grow with the size of a member. The kernel holds the bound."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

from archive import tar
from tests.archive import sample
from tests.conftest import PROJECT

MEMBER = "activities/forum_31/forum.xml"
POST = (
    '<post id="{}"><parent>{}</parent><userid>11</userid><created>1700000000</created><subject>Subject</subject>'
    "<message>The same message again and again, as no forum has it.</message></post>"
)
UNKNOWN = "<thing><a>the same thing</a><b>again and again</b></thing>"

READ = """
import resource, sys
from archive.container import open_archive
from archive.limits import Limits
from archive.verify import verify
from archive import opaque
with open_archive(sys.argv[1], limits=Limits(ratio=10**6)) as archive:
    status = open("/proc/self/status").read()
    there = int(status.split("VmData:")[1].split()[0]) * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (there + {bound}, there + {bound}))
    {work}
"""
VERIFY = "print(*(one.sentence() for one in verify(archive) if one.level == 'error'), sep='\\n')"
TREES = (
    "from archive import xml\n"
    "    from archive.errors import HostileArchive\n"
    "    try: [None for _ in xml.trees(archive.open('activities/forum_31/forum.xml'), member='x')]\n"
    "    except HostileArchive as error: print(error.sentence())"
)
LEFT_OUT = (
    "stream = archive.open('activities/forum_31/forum.xml')\n"
    "    for _ in opaque.rewrite(stream, member='x', mapped=lambda _, old: old, people=False): pass"
)


def archive_of(path: Path, records: list[str], *, megabytes: int) -> Path:
    """Write the small archive, whose forum has these records in turn until it has that size."""
    start = (
        '<activity id="7" moduleid="31" modulename="forum" contextid="103"><forum id="7"><name>News</name><discussions>'
        '<discussion id="50"><name>Hello</name><posts>'
    )
    end = "</posts></discussion></discussions></forum></activity>"
    lines, number, size = [start], 61, 0
    while size < megabytes * 1024 * 1024:
        lines.append(records[number % len(records)].format(number, number - 1))
        size += len(lines[-1])
        number += 1
    content = "".join([*lines, end]).encode()
    with gzip.open(path, "wb", compresslevel=1) as packed:
        for name, data in {**sample.members(), MEMBER: content}.items():
            packed.write(tar.header(name, size=len(data), date=0) + data + bytes(-len(data) % 512))
        packed.write(bytes(1024))
    return path


def read(path: Path, work: str, *, megabytes: int) -> subprocess.CompletedProcess[str]:
    """Do the work on an archive in a process that gets no more memory than this once the archive is open."""
    return subprocess.run(
        [sys.executable, "-c", READ.format(bound=megabytes * 1024 * 1024, work=work), str(path)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("records", "work"),
    [([POST], VERIFY), ([UNKNOWN], VERIFY), ([POST, UNKNOWN], LEFT_OUT)],
    ids=["posts", "records that nobody describes", "a member without people"],
)
def test_a_member_of_20_megabytes_is_read_in_16(tmp_path: Path, records: list[str], work: str) -> None:
    path = archive_of(tmp_path / "large.mbz", records, megabytes=20)
    done = read(path, work, megabytes=16)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")


@pytest.mark.parametrize("work", [VERIFY, TREES], ids=["when it is verified", "when it is restored"])
def test_a_record_that_does_not_fit_in_memory_is_refused_and_not_called_damage(
    tmp_path: Path, work: str
) -> None:
    path = archive_of(tmp_path / "large.mbz", ["<a/>"], megabytes=16)
    done = read(path, work, megabytes=150)
    assert done.returncode == 0, done.stderr
    assert "One record is larger than 64 MB in memory" in done.stdout
