"""Base of the management commands that run a command of `python -m archive` with a progress bar."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import django
from django.conf import settings

from archive import commands
from archive.commands import Answer
from courses.signing import signer
from jobs.commands import JsonCommand


class ArchiveFileCommand(JsonCommand):
    """A management command that runs `command` of `archive.commands`. It needs no database, and `manage.py` loads no apps."""

    command: ClassVar[commands.ArchiveCommand]

    def declare(self, parser: ArgumentParser) -> None:
        self.command.declare(parser)

    def answer(self, options: dict[str, Any]) -> Answer:
        if settings.SENTRY_DSN:
            django.setup()  # which starts the reports of faults
        return self.command.run(options, self._advancing, signer())

    @contextmanager
    def _advancing(self, label: str, total: int) -> Iterator[Callable[[int], None]]:
        with self.bar(label, total=total) as bar:
            yield bar.advance
