"""The base of all management commands: `--json`, errors with their exit code, progress on standard error."""

from __future__ import annotations

import contextlib
import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError

from archive.commands import JSON_HELP, Answer, error_data
from archive.errors import CoursekeepError
from archive.faults import in_words

__all__ = ["Answer", "Bar", "JsonCommand"]


@dataclass(slots=True)
class Bar:
    """A progress bar on standard error; silent where that is no terminal."""

    bar: Any = field(repr=False)

    def advance(self, count: int = 1) -> None:
        """Add `count` to what is done."""
        self.bar.update(count)

    def show(self, done: int, total: int | None = None, label: str = "") -> None:
        """Set what is done, the total where it is known now, and the label."""
        if total is not None:
            self.bar.total = total
        if label:
            self.bar.set_description(label, refresh=False)
        self.bar.n = done
        self.bar.refresh()


class JsonCommand(BaseCommand):
    """A command that answers with lines for people, or with exactly one JSON object after `--json`.

    A subclass adds its arguments in `declare` and returns its answer from `answer`. A CoursekeepError passes through:
    manage.py prints its sentence on standard error and ends with its exit code. With `--json` it is the object as well.

    Django's system checks look at the code, the addresses and the settings, which takes half as long as all else of the start;
    `migrate`, `check` and `doctor` run them, and each worker when it starts.
    """

    requires_system_checks = ()

    def declare(self, parser: ArgumentParser) -> None:
        """Add the command's own arguments."""

    def answer(self, options: dict[str, Any]) -> Answer:
        """Do the work. Raises CoursekeepError for what a person can act on."""
        raise NotImplementedError

    def add_arguments(self, parser: ArgumentParser) -> None:
        self.declare(parser)
        parser.add_argument("--json", action="store_true", help=JSON_HELP)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            answer = self._answer(options)
        except CoursekeepError as error:
            if options["json"]:
                self.stdout.write(json.dumps(error_data(error), ensure_ascii=False))
            raise
        for line in answer.printed(as_json=options["json"]):
            self.stdout.write(line)
        if answer.exit_code:
            sys.exit(answer.exit_code)

    def _answer(self, options: dict[str, Any]) -> Answer:
        """Return the command's answer. Raises CoursekeepError also for faults of disks."""
        try:
            # Whatever the work prints must not get between the object and its reader.
            with contextlib.redirect_stdout(sys.stderr) if options["json"] else contextlib.nullcontext():
                return self.answer(options)
        except (OSError, DatabaseError) as error:
            if (sentence := in_words(error)) is error:
                raise
            raise sentence from error

    @contextlib.contextmanager
    def bar(self, label: str, *, total: int | None = None, unit: str = " bytes") -> Iterator[Bar]:
        """Show a progress bar for as long as the `with` lasts; bytes are shown in larger units."""
        # A usage error or a command without a bar does not wait for it: the library looks up its own version in all packages.
        from tqdm import tqdm

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
