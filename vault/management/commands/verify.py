"""manage.py verify FILE: see `archive.commands`."""

from __future__ import annotations

from archive.commands import VERIFY
from vault.management.archive_command import ArchiveFileCommand


class Command(ArchiveFileCommand):
    """`verify` of `archive.commands`."""

    help = VERIFY.help
    command = VERIFY
