"""manage.py record_archives: make rows of the archives that lie in the storage without one."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from archive.errors import DamagedArchive
from jobs.commands import Answer, JsonCommand
from vault import unrecorded_archives
from vault.unrecorded_archives import Unrecorded


class Command(JsonCommand):
    """Find archives without a row, verify each, and record it as this site's own or as somebody else's."""

    help = (
        "Record the archives that are in the storage and in no list, as after the loss of the database. "
        "Each is verified; the exit code is that of a damaged archive if one of them is damaged."
    )

    def declare(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="verify and list the archives, and record none"
        )

    def answer(self, options: dict[str, Any]) -> Answer:
        dry = options["dry_run"]
        archives: list[dict[str, Any]] = []
        others: list[str] = []
        files = list(unrecorded_archives.find())
        with self.bar("Verifying", total=len(files), unit=" files") as bar:
            for file in files:
                found = unrecorded_archives.check(file)
                if found is not None and found.manifest is None:
                    others.append(file)
                elif found is not None:
                    row = None if dry else unrecorded_archives.record(found)
                    archives.append(_data(found, row.pk if row else None))
                bar.advance()
        damaged = any(one["errors"] for one in archives)
        return Answer(
            {"dry_run": dry, "archives": archives, "no_archives": others},
            _lines(archives, others, dry=dry),
            exit_code=DamagedArchive.exit_code if damaged else 0,
        )


def _data(found: Unrecorded, row: int | None) -> dict[str, Any]:
    assert found.manifest is not None
    return {
        "archive": row,
        "file": found.file,
        "size": found.size,
        "sha256": found.sha256,
        "course": found.manifest.original_course_fullname,
        "made_by": found.author,
        "errors": [error.as_dict() for error in found.errors],
    }


def _lines(archives: list[dict[str, Any]], others: list[str], *, dry: bool) -> Iterator[str]:
    for one in archives:
        state = f"damaged, {len(one['errors'])} errors" if one["errors"] else "intact"
        yield f"{one['file']}: {one['course']}, {state}; made by: {one['made_by']}"
    for file in others:
        yield f"{file}: no archive that can be opened; nothing is recorded."
    yield f"{len(archives)} archives {'would be recorded' if dry else 'recorded'}, {len(others)} other files."
