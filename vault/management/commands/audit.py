"""`manage.py audit list` and `audit export`: the audit trail on the command line."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from archive.errors import UsageError
from archive.numbers import whole
from audit.actions import ACTIONS
from audit.models import AuditEntry
from audit.search import EXPORTS, AuditFilter, read_filter, values_of
from audit.trail import record
from jobs.commands import Answer, JsonCommand


class Command(JsonCommand):
    """Show entries of the audit trail, or write all that match into a file."""

    help = "Show or export the audit trail: who did what, and when."

    def declare(self, parser: ArgumentParser) -> None:
        """Add the filters, which both subcommands have, and what each has of its own."""
        parser.add_argument(
            "what", choices=["list", "export"], help="list: the newest entries; export: all into FILE"
        )
        parser.add_argument(
            "file", nargs="?", metavar="FILE", help="for export: a .csv or .jsonl file that is not there yet"
        )
        parser.add_argument(
            "--action", choices=list(ACTIONS), metavar="ACTION", help=f"one of {', '.join(ACTIONS)}"
        )
        parser.add_argument("--outcome", choices=AuditEntry.Outcome.values)
        parser.add_argument("--words", help="words in the names of people and things")
        parser.add_argument("--actor", metavar="ID", help="the id of the account that did it")
        parser.add_argument("--course", metavar="ID", help="the id of the course that it was about")
        parser.add_argument("--first", metavar="DAY", help="the first day (UTC), such as 2026-05-31")
        parser.add_argument("--last", metavar="DAY", help="the last day (UTC)")
        parser.add_argument("--number", default="50", help="for list: so many entries (default: 50)")
        parser.add_argument(
            "--before", default="0", metavar="ID", help="for list: entries older than this one"
        )

    def answer(self, options: dict[str, Any]) -> Answer:
        """Do the subcommand. Raises UsageError for a filter or a file that cannot be."""
        chosen = read_filter(options)
        return _exported(chosen, options) if options["what"] == "export" else _listed(chosen, options)


def _listed(chosen: AuditFilter, options: dict[str, Any]) -> Answer:
    number, before = whole(options["number"], least=1, most=10_000), whole(options["before"], least=0)
    if number is None or before is None:
        raise UsageError("--number is a whole number from 1 to 10,000, and --before is an id of an entry.")
    entries, following = chosen.page(before=before, size=number)
    lines = [
        f"{one.pk:>8}  {one.at:%Y-%m-%d %H:%M:%S}  {one.actor_name or 'the site'}: {one.get_action_display()}"
        f"{f' “{one.title}”' if one.title else ''}{'' if one.outcome == 'done' else f' ({one.outcome})'}"
        for one in entries
    ]
    if following:
        lines.append(f"Older ones: --before {following}")
    return Answer(
        {"entries": [values_of(one) for one in entries], "before": following or None},
        lines or ["No entry matches."],
    )


def _exported(chosen: AuditFilter, options: dict[str, Any]) -> Answer:
    path = Path(options["file"] or "")
    form = path.suffix.removeprefix(".")
    if form not in EXPORTS:
        raise UsageError(
            f"{path}: the name of the file says the format.",
            hint="End it in .csv or .jsonl, such as audit.csv.",
        )
    number = 0
    record("audit-exported", by=None, subject="audit", form=form, path=str(path))
    try:
        # Only the owner reads it: it says who did what.
        path.touch(mode=0o600, exist_ok=False)
        with path.open("w", encoding="utf-8", newline="") as file:
            for line in EXPORTS[form][0](chosen.stream()):
                file.write(line)
                number += 1
    except OSError as problem:
        raise UsageError(
            f"{path} cannot be written: {problem.strerror}.", hint="Choose another file."
        ) from problem
    number -= form == "csv"
    return Answer({"file": str(path), "entries": number}, [f"{number:,} entries were written into {path}."])
