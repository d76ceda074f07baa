"""manage.py storages list | init NAME: the storages of files, and the mark by which the site knows each."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from archive.errors import StorageFailed, UsageError
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

    def answer(self, options: dict[str, Any]) -> Answer:
        names, known = options["names"], sentinel.aliases()
        if unknown := [name for name in names if name not in known]:
            raise UsageError(f"There is no storage {unknown[0]}.", hint=f"There are {', '.join(known)}.")
        if (options["action"] == "init") != bool(names):
            raise UsageError("`init` takes the names of storages, and `list` does not.")
        for name in names:
            sentinel.initialise(name)
        rows = [_row(name) for name in names or known]
        return Answer({"storages": rows}, [f"{row['name']}: {row['place']}: {row['fact']}" for row in rows])


def _row(alias: str) -> dict[str, Any]:
    """Return the facts of a storage for JSON."""
    try:
        own = sentinel.is_marked(alias)
        fact = "It is the site's own." if own else "It is not marked yet; its first file marks it."
    except StorageFailed as problem:
        own, fact = False, f"{problem.message} {problem.hint}"
    return {"name": alias, "place": place_of(alias), "marked": own, "fact": fact}
