"""The command `embedded`: show, start or stop the embedded PostgreSQL server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from embedded_postgres.server import Embedded


class Command(BaseCommand):
    """`manage.py embedded start|status|stop`."""

    help = "Look at the embedded PostgreSQL server (status), start it or stop it."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the argument `action`."""
        parser.add_argument("action", choices=("start", "status", "stop"))

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        """Run the action and print one line on the state of the server."""
        if settings.DATABASE_URL:
            self.stdout.write("DATABASE_URL is set, so this site has no embedded server.")
            return
        server = Embedded(Path(settings.COURSEKEEP_HOME))
        if action == "stop":
            self.stdout.write("Stopped." if server.stop() else "It was not running.")
            return
        if action == "start":
            server.ensure_running()
        pid = server.running_process()
        self.stdout.write(f"Running as process {pid} in {server.cluster}." if pid else "Not running.")
