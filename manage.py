#!/usr/bin/env python3
"""The command line of the site: `manage.py COMMAND`."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.core.management.base import BaseCommand


def main() -> None:
    """Run one command. An error that a person can act on is printed as one sentence, with its exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # What is imported stays: to look through it for garbage again and again takes a fifth of the start.
    gc.disable()
    try:
        from django.core.management import ManagementUtility, load_command_class
    except ImportError:
        sys.exit("Django is not installed here. Run bin/demo once, or pip install -r requirements.txt.")
    from django.core.exceptions import ImproperlyConfigured

    from archive.commands import COMMANDS
    from archive.errors import CoursekeepError

    files_only = {command.name for command in COMMANDS}

    class SiteUtility(ManagementUtility):
        """Django's command line. A command that only reads files runs without the apps: making their models takes longest."""

        def execute(self) -> None:
            if self.argv[1:2] and self.argv[1] in files_only:
                load_command_class("vault", self.argv[1]).run_from_argv(self.argv)
            else:
                super().execute()

        def fetch_command(self, subcommand: str) -> BaseCommand:
            try:
                return super().fetch_command(subcommand)
            finally:
                gc.freeze()
                gc.enable()

    try:
        SiteUtility(sys.argv).execute()
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    except CoursekeepError as error:
        print(error.sentence(), file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
