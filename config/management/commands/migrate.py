"""Django's `migrate` with operations grouped, which is faster (see `config.migrate`)."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from django.core.management.commands import migrate

from config.migrate import GroupingExecutor


class Command(migrate.Command):
    """Django's command with the same arguments, and the executor of `config.migrate`."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Run Django's command with another executor, which it looks up by this name in its module."""
        with patch.object(migrate, "MigrationExecutor", GroupingExecutor):
            super().handle(*args, **options)
