"""manage.py disaster_copy make | put_back FOLDER: a copy of the whole site, and its way back (docs/disaster.md)."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from archive.errors import UsageError
from jobs.commands import Answer, JsonCommand
from vault import disaster_copy
from vault.disaster_copy import Advance, Copied

PARTS = ("database", *disaster_copy.STORAGES)


class Command(JsonCommand):
    """Make the copy of the site for a disaster, or bring one part back from it."""

    help = (
        "Copy the whole site into a folder while it runs: database, contents of files, archives and keys. "
        "Or put one of them back. docs/disaster.md says when to do what."
    )

    def declare(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=("make", "put_back"))
        parser.add_argument("folder", metavar="FOLDER", help="where the copy is")
        parser.add_argument("--part", choices=PARTS, help="with `put_back`: what is put back")
        parser.add_argument(
            "--replace",
            action="store_true",
            help="with `put_back --part database`: replace a database that holds courses",
        )
        parser.add_argument(
            "--no-keys", action="store_true", help="with `make`: leave the keys out of the copy"
        )
        parser.add_argument(
            "--prune",
            action="store_true",
            help="with `make`: remove from the copy what the site does not have any more",
        )

    def answer(self, options: dict[str, Any]) -> Answer:
        folder, part = Path(options["folder"]).absolute(), options["part"]
        if (options["action"] == "put_back") != (part is not None):
            raise UsageError("`put_back` takes --part, and `make` does not.")
        with self._shown() as advance:
            if part is None:
                keys, prune = not options["no_keys"], options["prune"]
                return _made(disaster_copy.make(folder, keys=keys, prune=prune, advance=advance))
            if part == "database":
                disaster_copy.put_back_database(folder, replace=options["replace"])
                made = disaster_copy.read(folder).made
                return Answer(
                    {"part": part, "made": made},
                    [f"The database is that of {made}. Run manage.py migrate next."],
                )
            back = disaster_copy.put_back_storage(folder, part, advance=advance)
        return Answer({"part": part, "files": back}, [f"{back} files were put back."])

    @contextmanager
    def _shown(self) -> Iterator[Advance]:
        with self.bar("Copying", unit=" files") as bar:
            yield lambda alias, done, total: bar.show(done, total, alias)


def _made(copied: Copied) -> Answer:
    """Return the answer of `make`; the exit code is 1 if something is missing that the database names."""
    lines = [
        f"{copied.contents} contents and {copied.archives} archives are in the copy, {copied.new} of them are new."
    ]
    for alias, names in copied.missing.items():
        lines += [
            f"{alias}: {name} is missing or damaged in the storage, so the copy lacks it." for name in names
        ]
    return Answer(asdict(copied), lines, exit_code=1 if any(copied.missing.values()) else 0)
