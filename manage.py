#!/usr/bin/env python3
"""The command line of the site: `manage.py COMMAND`."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run one command. An error that a person can act on is printed as one sentence, with its exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError:
        sys.exit("Django is not installed here. Run bin/demo once, or pip install -r requirements.txt.")
    from django.core.exceptions import ImproperlyConfigured

    from archive.errors import CoursekeepError

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    except CoursekeepError as error:
        print(error.sentence(), file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
