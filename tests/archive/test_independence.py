"""The archive is files only: nothing here needs Django or a database."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
MODULES = ("comparison.compare", "container", "inspect", "manifest", "verify", "xml")


def test_archives_are_read_written_and_compared_without_django() -> None:
    imports = "; ".join(f"import archive.{name}" for name in MODULES)
    program = f"{imports}; import sys; print('django' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
