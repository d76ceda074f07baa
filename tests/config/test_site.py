"""Who a site is: made once, kept closed, the same for everybody."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.site import find_or_make_site
from embedded_postgres.lock import make_home

PROJECT = Path(__file__).resolve().parents[2]
MAKE = """
import sys
from pathlib import Path
from config.site import find_or_make_site
site = find_or_make_site(Path(sys.argv[1]))
print(site.identifier, site.key, site.secret_key)
"""


def test_processes_that_come_at_once_are_one_site(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MAKE, str(tmp_path / "home")]
    processes = [subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    answers = {process.communicate(timeout=120)[0].strip() for process in processes}
    assert len(answers) == 1
    assert len(answers.pop().split()) == 3


def test_it_stays_the_same_and_is_closed_to_others(tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = find_or_make_site(home)
    assert find_or_make_site(home) == first
    assert stat.S_IMODE((home / "site.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_a_home_that_exists_keeps_its_permissions(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o755)
    make_home(home)
    assert stat.S_IMODE(home.stat().st_mode) == 0o755


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"identifier": "a", "key": "", "secret_key": "c"}'])
def test_a_damaged_file_is_not_replaced_but_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "site.json").write_text(content)
    with pytest.raises(ImproperlyConfigured, match=r"site\.json is damaged"):
        find_or_make_site(tmp_path)
    assert (tmp_path / "site.json").read_text() == content
