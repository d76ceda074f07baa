#!/usr/bin/env python3
"""The command line of the site: `manage.py COMMAND`."""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """Run one command. An error that a person can act on is printed as one sentence, with its exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # What is imported stays: to look through it for garbage again and again takes a fifth of the start.
    gc.disable()
    try:
        from django.core.management import ManagementUtility
    except ImportError:
        sys.exit("Django is not installed here. Run bin/demo once, or pip install -r requirements.txt.")
    from django.core.exceptions import ImproperlyConfigured

    from archive.errors import CoursekeepError

    class SiteUtility(ManagementUtility):
        """Django's command line. Garbage is collected from the moment that the command is imported."""

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
