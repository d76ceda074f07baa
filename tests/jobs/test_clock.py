"""The database's clock decides; that of a machine of the site is for words on a page only."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import PROJECT

ROOMS = (
    "audit",
    "backup",
    "config",
    "courses",
    "jobs",
    "notices",
    "restore",
    "selection",
    "transfer",
    "vault",
    "viewer",
)

OF_THE_MACHINE = {
    "backup/services.py": "the date in an archive and in its name",
    "transfer/transit.py": "the date in an archive that is on its way",
    "vault/disaster_copy.py": "the date in a copy of the site",
    "vault/storage.py": "the month in the name of a file",
    "vault/views/audit.py": "the day in the name of a file",
    "viewer/templatetags/coursekeep.py": "how long ago, in words",
}
"""Where the clock of the machine is read, and what for: nothing is compared, removed or begun by it."""


def read_the_clock(path: Path) -> bool:
    text = path.read_text(encoding="utf-8")
    return re.search(r"timezone\.now\b|datetime\.(utc)?now\(", text) is not None


def test_the_clock_of_the_machine_is_read_where_there_is_a_reason_only() -> None:
    sources = (path for room in ROOMS for path in (PROJECT / room).rglob("*.py"))
    found = {path.relative_to(PROJECT).as_posix() for path in sources if read_the_clock(path)}
    assert found == set(OF_THE_MACHINE)


@pytest.mark.parametrize("text", ["default=timezone.now)", "timezone.now() - DAY", "datetime.now(UTC)"])
def test_a_look_at_the_clock_of_the_machine_is_found(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.py").write_text(text, encoding="utf-8")
    assert read_the_clock(tmp_path / "a.py")
