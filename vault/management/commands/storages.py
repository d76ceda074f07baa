"""manage.py storages list | init NAME [--without-files]: the storages of files, and the mark by which the site knows each."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from archive.errors import Cancelled, StorageFailed, UsageError
from courses import sentinel
from courses.storage_errors import place_of
from jobs.commands import Answer, JsonCommand


class Command(JsonCommand):
    """Show the storages, or mark some as the site's own."""

    help = (
        "List the storages and whether each is the site's own, or mark some as the site's own from now on: "
        "new ones, and those whose disks were not mounted at the first `migrate`."
    )

    def declare(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=("list", "init"))
        parser.add_argument(
            "names", nargs="*", metavar="NAME", help="with `init`: the storages, such as `archives`"
        )
        parser.add_argument(
            "--without-files",
            action="store_true",
            help="with `init`: take a storage also if it lacks the files of the site, which are lost then",
        )
        parser.add_argument("--yes", action="store_true", help="with `--without-files`: do not ask")

    def answer(self, options: dict[str, Any]) -> Answer:
        names, init = options["names"], options["action"] == "init"
        known = sentinel.shared() if init else sentinel.aliases()
        if unknown := [name for name in names if name not in known]:
            raise UsageError(f"There is no storage {unknown[0]}.", hint=f"There are {', '.join(known)}.")
        if init != bool(names):
            raise UsageError("`init` takes the names of storages, and `list` does not.")
        for name in names:
            if options["without_files"] and not options["yes"]:
                self._ask(name)
            sentinel.initialise(name, without_files=options["without_files"])
        rows = [_row(name) for name in names or known]
        return Answer({"storages": rows}, [f"{row['name']}: {row['place']}: {row['fact']}" for row in rows])

    def _ask(self, alias: str) -> None:
        """Ask whether the files of a storage are to be given up. Raises Cancelled without a yes."""
        if not (lost := sentinel.number_of_lost(alias)):
            return
        self.stderr.write(f"{lost:,} files of the site are not in {place_of(alias)}. Give them up? [yes/no]")
        if sys.stdin.readline().strip().lower() != "yes":
            raise Cancelled("Nothing was changed.", hint="Answer yes, or add --yes.")


def _row(alias: str) -> dict[str, Any]:
    """Return the facts of a storage for JSON."""
    try:
        own = sentinel.is_marked(alias)
        fact = _fact(alias, own=own)
    except StorageFailed as problem:
        own, fact = False, f"{problem.message} {problem.hint}"
    return {"name": alias, "place": place_of(alias), "marked": own, "fact": fact}


def _fact(alias: str, *, own: bool) -> str:
    """Return what the mark of a storage says, in a sentence."""
    if alias not in sentinel.shared():
        return "It has no mark, as its files are of one machine."
    if not own:
        return "It is not marked yet; its first file marks it."
    if not sentinel.is_remembered(alias):
        return "It has the site's mark, which the database does not know yet; its next file or `init` changes that."
    return "It is the site's own."
