"""manage.py inspect FILE: see `archive.commands`."""

from __future__ import annotations

from archive.commands import INSPECT
from vault.management.archive_command import ArchiveFileCommand


class Command(ArchiveFileCommand):
    """`inspect` of `archive.commands`."""

    help = INSPECT.help
    command = INSPECT
