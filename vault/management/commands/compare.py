"""manage.py compare FILE FILE: see `archive.commands`."""

from __future__ import annotations

from archive.commands import COMPARE
from vault.management.archive_command import ArchiveFileCommand


class Command(ArchiveFileCommand):
    """`compare` of `archive.commands`."""

    help = COMPARE.help
    command = COMPARE
