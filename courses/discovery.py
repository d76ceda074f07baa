"""Discovery: import all modules of a package, so that a new type is only a new file."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable


def import_all(package: str, paths: Iterable[str]) -> None:
    """Import every module of a package, in alphabetical order, so that its models exist."""
    for module in sorted(pkgutil.iter_modules(paths), key=lambda one: one.name):
        importlib.import_module(f"{package}.{module.name}")
