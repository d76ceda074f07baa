"""The command line of the site, which starts sooner than Django's own (docs/design.md, "A command imports what it runs")."""

from __future__ import annotations

import gc

from django.core.management import ManagementUtility, load_command_class
from django.core.management.base import BaseCommand

from archive.commands import COMMANDS

FILES_ONLY = frozenset(command.name for command in COMMANDS)
"""Commands that only read archive files. They run without the apps: to make their models takes longest of the start."""


class SiteUtility(ManagementUtility):
    """Django's command line. It collects garbage as soon as the command is imported, which then may work for hours."""

    def execute(self) -> None:
        if self.argv[1:2] and self.argv[1] in FILES_ONLY:
            self.fetch_command(self.argv[1]).run_from_argv(self.argv)
        else:
            super().execute()

    def fetch_command(self, subcommand: str) -> BaseCommand:
        try:
            if subcommand in FILES_ONLY:
                return load_command_class("vault", subcommand)
            return super().fetch_command(subcommand)
        finally:
            # What was imported stays, and need not be looked through again.
            gc.freeze()
            gc.enable()
