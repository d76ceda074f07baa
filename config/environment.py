"""The environment of the process: variables, files with further variables, and files with secrets, checked by the list.

Three sources, the first goes before the others: the process's environment; `.env` in the home folder; `.env` of the checkout.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured
from environ.fileaware_mapping import FileAwareMapping

from config.variables import TEST_PREFIX, VARIABLES, Variable

FILE = "_FILE"
"""Ends the name of a variable that names the file with a secret."""

_LINE = re.compile(r"(?:export )?[A-Za-z_0-9]+=.*|\s*(?:#.*)?")
LONGEST_SHOWN = 60


class Environment:
    """Variables by name, each checked when the object is made. Raises ImproperlyConfigured for a value that cannot be.

    The methods return the value of a listed variable, or its default; they raise KeyError for one that is not listed.
    """

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        self._values = {name: _value(variable, given) for name, variable in VARIABLES.items()}

    def is_set(self, name: str) -> bool:
        """Whether the variable has a value of its own. An empty one is none."""
        return self._values[VARIABLES[name].name] is not None

    def value(self, name: str) -> Any:
        """Return the value as its kind reads it; that of the default if the variable is not set."""
        found = self._values[name]
        if found is not None:
            return found
        variable = VARIABLES[name]
        return variable.kind.read(variable.default)

    def text(self, name: str) -> str:
        """Return a text; "" if there is neither a value nor a default."""
        return str(self._values[name] or VARIABLES[name].default)

    def switch(self, name: str, *, default: bool | None = None) -> bool:
        """Return a switch. `default` replaces that of the list where it depends on other variables."""
        if default is not None and not self.is_set(name):
            return default
        return bool(self.value(name))

    def items(self, name: str) -> list[str]:
        """Return the texts of a list."""
        return [str(item) for item in self.value(name)]

    def unknown(self) -> list[tuple[str, str]]:
        """Return each variable that begins like one of ours and is not listed, with the listed name that is nearest to it."""
        files = {f"{name}{FILE}" for name, variable in VARIABLES.items() if variable.secret}
        known = [*VARIABLES, *files]
        return [
            (name, next(iter(difflib.get_close_matches(name, known, 1)), ""))
            for name in sorted(self._given)
            if name.startswith("COURSEKEEP_") and name not in known and not name.startswith(TEST_PREFIX)
        ]


def read_environment(checkout: Path | None) -> Environment:
    """Return the environment of this process with what the files of variables add. Raises ImproperlyConfigured.

    `checkout` is the folder of a checkout, None for an installed wheel.
    """
    process = dict(os.environ)
    named = process.get("COURSEKEEP_ENV_FILE", "")
    if named:
        if not Path(named).exists():
            raise ImproperlyConfigured(
                f"COURSEKEEP_ENV_FILE names {named}, and there is no such file. Name the file with the variables."
            )
        return Environment({**_lines_of(Path(named)), **process})
    found = _lines_of(checkout / ".env") if checkout else {}
    home = process.get("COURSEKEEP_HOME") or found.get("COURSEKEEP_HOME", "")
    folder = Path(home) if home else checkout / "var" if checkout else None
    of_home = _lines_of(folder / ".env") if folder else {}
    # The file has been found by this value: what it says itself comes too late.
    of_home.pop("COURSEKEEP_HOME", None)
    return Environment({**found, **of_home, **process})


def _lines_of(path: Path) -> dict[str, str]:
    """Return the variables of a file; none if there is no such file. Raises ImproperlyConfigured for a line that is none."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise ImproperlyConfigured(
            f"{path} cannot be read: {error}. Make it readable, or remove it."
        ) from error
    for number, line in enumerate(lines, 1):
        if not _LINE.fullmatch(line):
            raise ImproperlyConfigured(f"{path}, line {number} is no variable. Write it as NAME=VALUE.")

    class OfFile(environ.Env):  # type: ignore[misc]  # the package has no types for its class attribute
        ENVIRON: dict[str, str] = {}

    OfFile.read_env(path)
    return OfFile.ENVIRON


def _value(variable: Variable, given: Mapping[str, str]) -> Any:
    """Return the value of a variable, None if it is not set. Raises ImproperlyConfigured if it is not of its kind."""
    name, text = variable.name, given.get(variable.name, "").strip()
    if variable.secret and (path := given.get(name + FILE, "").strip()):
        if text:
            raise ImproperlyConfigured(f"{name} and {name}{FILE} are both set. Remove one of them.")
        name, text = name + FILE, _secret(name, path)
    if not text:
        return None
    try:
        return variable.kind.read(text)
    except (ValueError, TypeError):
        allowed = variable.kind.allowed
        said = f"not {allowed}" if variable.secret else f"“{text[:LONGEST_SHOWN]}”, and it may be {allowed}"
        # The reader's own error holds the whole value, and a traceback would show it.
        raise ImproperlyConfigured(f"{name} is {said}.") from None


def _secret(name: str, path: str) -> str:
    """Return what the file of a secret holds, without spaces around it. Raises ImproperlyConfigured."""
    try:
        text = str(FileAwareMapping({name + FILE: path})[name]).strip()
    except (OSError, ValueError) as error:
        raise ImproperlyConfigured(
            f"{name}{FILE} names {path}, which cannot be read: {error}. Name a file that this account may read."
        ) from error
    if not text:
        raise ImproperlyConfigured(f"{name}{FILE} names {path}, which is empty. Write the value into it.")
    return text
