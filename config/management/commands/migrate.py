"""Django's `migrate`, in larger strides (see `config.migrate`)."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from django.core.management.commands import migrate

from config.migrate import Executor


class Command(migrate.Command):
    """The same command with the same arguments."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Django's own, which looks its executor up by this name and offers no other way to give it one."""
        with patch.object(migrate, "MigrationExecutor", Executor):
            super().handle(*args, **options)
