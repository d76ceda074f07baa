"""What all management commands share: `--json`, errors with their exit code, progress on standard error."""

from __future__ import annotations

import contextlib
import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.core.management.base import BaseCommand
from tqdm import tqdm

from archive.errors import CoursekeepError, PrecheckFailed


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command has to say: as data, as lines for people, and as an exit code."""

    data: dict[str, Any]
    lines: Iterable[str] = ()
    exit_code: int = 0


@dataclass(slots=True)
class Bar:
    """A progress bar on standard error; silent where that is no terminal."""

    bar: Any = field(repr=False)

    def advance(self, count: int = 1) -> None:
        """So much more is done."""
        self.bar.update(count)

    def show(self, done: int, total: int | None = None, label: str = "") -> None:
        """So much is done of so much."""
        if total is not None:
            self.bar.total = total
        if label:
            self.bar.set_description(label, refresh=False)
        self.bar.n = done
        self.bar.refresh()


class JsonCommand(BaseCommand):
    """A command that answers with lines for people, or with exactly one JSON object after `--json`.

    A subclass says its arguments in `declare` and its answer in `answer`. Errors that a person can act on
    leave as they are: manage.py ends with their sentence on standard error and their exit code. With `--json`
    they are the object as well.
    """

    def declare(self, parser: ArgumentParser) -> None:
        """Add the command's own arguments."""

    def answer(self, options: dict[str, Any]) -> Answer:
        """Do the work. Raises CoursekeepError for what a person can act on."""
        raise NotImplementedError

    def add_arguments(self, parser: ArgumentParser) -> None:
        self.declare(parser)
        said = "print one JSON object on standard output, and nothing else there"
        parser.add_argument("--json", action="store_true", help=said)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            # Whatever the work prints must not get between the object and its reader.
            with contextlib.redirect_stdout(sys.stderr) if options["json"] else contextlib.nullcontext():
                answer = self.answer(options)
        except CoursekeepError as error:
            if options["json"]:
                self.stdout.write(json.dumps(error_data(error), ensure_ascii=False))
            raise
        if options["json"]:
            self.stdout.write(json.dumps(answer.data, ensure_ascii=False))
        else:
            for line in answer.lines:
                self.stdout.write(line)
        if answer.exit_code:
            sys.exit(answer.exit_code)

    @contextlib.contextmanager
    def bar(self, label: str, *, total: int | None = None, unit: str = " bytes") -> Iterator[Bar]:
        """A progress bar for as long as the `with` lasts; sizes in bytes are shown in units."""
        in_bytes = unit == " bytes"
        with tqdm(
            desc=label,
            total=total,
            unit="B" if in_bytes else unit,
            unit_scale=in_bytes,
            file=sys.stderr,
            disable=None,
            leave=False,
        ) as bar:
            yield Bar(bar)


def error_data(error: CoursekeepError) -> dict[str, Any]:
    """An error as JSON has it."""
    data: dict[str, Any] = {
        "error": {"code": error.code, "message": error.message, "where": error.where, "hint": error.hint}
    }
    if isinstance(error, PrecheckFailed):
        data["findings"] = [finding.as_dict() for finding in error.findings]
    return data
