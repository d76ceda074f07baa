"""A course of media, which cannot be compressed: its backup, in turns with reading, hashing and writing the same bytes once."""

from __future__ import annotations

import hashlib
import io
import random
from pathlib import Path
from typing import Any

from archive.limits import MEBIBYTE
from archive.streams import drain
from demo.bench.site import BenchSite
from demo.progress import say

FILE = 10 * MEBIBYTE
"""Bytes of each file."""


def measure(site: BenchSite, megabytes: int, rounds: int) -> dict[str, Any]:
    """Return the bytes of the course's files, and the least seconds of its backup and of the floor. Raises BenchFailed."""
    say(f"Making a course of {megabytes:,} MB of media ...")
    database = site.database()
    course = site.run("add_media", database, megabytes=megabytes).answer["course_id"]
    target = str(site.home / "media")
    backups, floors = [], []
    for number in range(rounds):
        say(f"media: round {number + 1} of {rounds}")
        backups.append(site.run("backup", database, course=course, target=target))
        floors.append(site.run("floor_of_media", database, course=course, target=target))
    site.drop(database)
    return {
        "bytes": floors[0].answer["size"],
        "backup": min(run.seconds for run in backups),
        "floor": min(run.seconds for run in floors),
        "peak": max(run.peak for run in backups),
    }


def add(megabytes: int) -> dict[str, Any]:
    """Make a course with so many megabytes in files of 10 MB; return its id. Called in a process of `demo.bench.operations`."""
    # The process that asks for it has no models.
    from courses import pool
    from courses.models import Activity, File
    from demo.samples.course import make_sample

    course = make_sample("XS", seed=1).course_id
    activity = Activity.objects.filter(course=course).earliest("pk")
    numbers = random.Random(1)
    with pool.storing():
        for number in range(megabytes * MEBIBYTE // FILE):
            sha1, size = pool.put(io.BytesIO(numbers.randbytes(FILE)))
            File.objects.create(
                course_id=course,
                contextid=activity.contextid,
                component=f"mod_{activity.modulename}",
                filearea="intro",
                filepath="/",
                filename=f"{number}.mp4",
                filesize=size,
                contenthash=sha1,
            )
    return {"course_id": course}


def copy(course: int, target: Path) -> dict[str, Any]:
    """Read each content of a course's files once, hash it, and write it to one file; return the number of bytes."""
    from courses import pool
    from courses.models import File

    size = 0
    files = File.objects.filter(course=course).exclude(filename=".")  # Folders have no content.
    hashes = files.values_list("contenthash", flat=True).distinct()
    with target.open("wb") as written:
        for sha1 in hashes:
            digest = hashlib.sha1(usedforsecurity=False)
            with pool.open_content(sha1) as content:
                size += drain(content, digest.update, written.write)
            if digest.hexdigest() != sha1:
                raise ValueError(f"The content {sha1} is damaged.")
    return {"size": size}
