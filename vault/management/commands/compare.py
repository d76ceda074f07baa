"""manage.py compare FILE FILE: what two archives say differently, ids aside."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from archive.comparison.compare import Comparison, compare
from archive.container import open_archive
from jobs.commands import Answer, JsonCommand


class Command(JsonCommand):
    """Compares two archives; exit code 0 when they say the same, 1 when not."""

    help = "Tell the differences that matter between two archives, ids aside."
    requires_system_checks = ()

    def declare(self, parser: ArgumentParser) -> None:
        parser.add_argument("first", metavar="FIRST", help="an archive (.mbz)")
        parser.add_argument("second", metavar="SECOND", help="the archive to compare it with")

    def answer(self, options: dict[str, Any]) -> Answer:
        with open_archive(options["first"]) as first, open_archive(options["second"]) as second:
            total = first.unpacked_size + second.unpacked_size
            with self.bar("Comparing", total=total) as bar:
                comparison = compare(first, second, progress=bar.advance)
        return Answer(comparison.as_dict(), _lines(comparison), exit_code=0 if comparison.equal else 1)


def _lines(comparison: Comparison) -> Iterator[str]:
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
