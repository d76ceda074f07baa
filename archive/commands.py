"""The commands on archive files: inspect, verify, compare. Each returns an `Answer`, which does not depend on a terminal.

`python -m archive` runs them where there is no site, `manage.py` where there is one; both print the same. Each function
imports what it works with: the comparison alone takes longer to import than all else that an inspection needs.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archive.errors import CoursekeepError, DamagedArchive, PrecheckFailed

if TYPE_CHECKING:
    from archive.comparison.compare import Comparison
    from archive.findings import Finding
    from archive.integrity import Signer

Bar = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Opens a progress bar, given a label and a total in bytes; the context is the function that adds bytes."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a command: data for `--json`, lines for people, and the exit code."""

    data: dict[str, Any]
    lines: Iterable[str] = ()
    exit_code: int = 0

    def printed(self, *, as_json: bool) -> Iterator[str]:
        """Yield the lines to print: one JSON object in one line, or the lines for people."""
        if as_json:
            yield json.dumps(self.data, ensure_ascii=False)
        else:
            yield from self.lines


def error_data(error: CoursekeepError) -> dict[str, Any]:
    """Return an error for JSON, with its findings if a precheck failed."""
    data: dict[str, Any] = {
        "error": {"code": error.code, "message": error.message, "where": error.where, "hint": error.hint}
    }
    if isinstance(error, PrecheckFailed):
        data["findings"] = [finding.as_dict() for finding in error.findings]
    return data


@dataclass(frozen=True, slots=True)
class ArchiveCommand:
    """A command: its name, one sentence of help, its arguments as (name, help), and the function that runs it.

    The function gets the arguments, the opener of progress bars, and the site whose signatures it can check, None without one.
    """

    name: str
    help: str
    arguments: tuple[tuple[str, str], ...]
    function: Callable[[Sequence[str], Bar, Signer | None], Answer]

    def declare(self, parser: ArgumentParser) -> None:
        """Add the arguments to a parser."""
        for name, text in self.arguments:
            parser.add_argument(name, metavar=name.upper(), help=text)

    def run(self, options: dict[str, Any], bar: Bar, signer: Signer | None = None) -> Answer:
        """Run the command with the parsed options. Raises ArchiveError or NotFound when a file cannot be read."""
        return self.function([options[name] for name, _ in self.arguments], bar, signer)


def _inspect(paths: Sequence[str], _bar: Bar, signer: Signer | None) -> Answer:
    from archive.container import open_archive
    from archive.inspect import describe, sentences

    with open_archive(paths[0]) as archive:
        description = describe(archive, signer=signer)
    return Answer(description.as_dict(), sentences(description))


def _verify(paths: Sequence[str], bar: Bar, signer: Signer | None) -> Answer:
    from archive.container import open_archive
    from archive.verify import verify

    with open_archive(paths[0]) as archive, bar("Verifying", archive.unpacked_size) as advance:
        findings = list(verify(archive, signer=signer, progress=advance))
        members = len(archive.members)
    errors, warnings = (sum(each.level == level for each in findings) for level in ("error", "warning"))
    data = {
        "ok": not errors,
        "members": members,
        "errors": errors,
        "warnings": warnings,
        "findings": [finding.as_dict() for finding in findings],
    }
    verdict = "The archive is damaged" if errors else "The archive is intact"
    total = f"{verdict}: {members} members read, {errors} errors, {warnings} warnings."
    return Answer(data, [*_finding_lines(findings), total], DamagedArchive.exit_code if errors else 0)


def _finding_lines(findings: Iterable[Finding]) -> Iterator[str]:
    for finding in findings:
        yield f"{finding.level}: {finding.sentence()}"


def _compare(paths: Sequence[str], bar: Bar, _signer: Signer | None) -> Answer:
    from archive.comparison.compare import compare
    from archive.container import open_archive

    with (
        open_archive(paths[0]) as first,
        open_archive(paths[1]) as second,
        bar("Comparing", first.unpacked_size + second.unpacked_size) as advance,
    ):
        comparison = compare(first, second, progress=advance)
    return Answer(comparison.as_dict(), _comparison_lines(comparison), 0 if comparison.equal else 1)


def _comparison_lines(comparison: Comparison) -> Iterator[str]:
    for difference in comparison.differences:
        yield difference.sentence()
    for key, count in comparison.totals.items():
        yield f"  {count:>8,}  {key}"
    for sentence in comparison.explained:
        yield f"explained: {sentence}"
    leaves, files = comparison.leaves, comparison.files
    yield (
        f"{'Equal' if comparison.equal else 'Different'}: {leaves.kept:,} of {leaves.total:,} values kept "
        f"({leaves.share:.2%}), {files.kept} of {files.first} files' contents kept."
    )


INSPECT = ArchiveCommand(
    "inspect",
    "Print what is inside an archive, without restoring it.",
    (("file", "the archive (.mbz)"),),
    _inspect,
)
VERIFY = ArchiveCommand(
    "verify",
    "Check that an archive is intact: members, digests, signature and references.",
    (("file", "the archive (.mbz)"),),
    _verify,
)
COMPARE = ArchiveCommand(
    "compare",
    "Print the differences between two archives, ids aside.",
    (("first", "an archive (.mbz)"), ("second", "the archive to compare it with")),
    _compare,
)
COMMANDS = (INSPECT, VERIFY, COMPARE)

JSON_HELP = "print one JSON object on standard output, and nothing else there"
"""The help of the option `--json`, which every command has."""
