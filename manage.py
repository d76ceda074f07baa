#!/usr/bin/env python3
"""The command line of the site: `manage.py COMMAND`."""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """Run one command. An error that a person can act on is printed as one sentence, with its exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # To look for garbage among what is being imported takes a fifth of the start. SiteUtility ends this.
    gc.disable()
    try:
        from django.core.exceptions import ImproperlyConfigured
    except ImportError:
        sys.exit("Django is not installed here. Run bin/demo once, or pip install -r requirements.txt.")
    from archive.errors import CoursekeepError
    from config.command_line import SiteUtility

    try:
        SiteUtility(sys.argv).execute()
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    except CoursekeepError as error:
        print(error.sentence(), file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
