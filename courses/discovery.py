"""Discovery: a new file in a folder of models is all that it takes to add one."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable


def import_all(package: str, paths: Iterable[str]) -> None:
    """Imports every module of a package, so that its models exist."""
    for module in sorted(pkgutil.iter_modules(paths), key=lambda one: one.name):
        importlib.import_module(f"{package}.{module.name}")
