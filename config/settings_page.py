"""The list of environment variables as a Markdown page: docs/settings.md."""

from __future__ import annotations

from config.environment import FILE
from config.variables import GROUPS, Variable

HEAD = f"""# Settings

Generated from `config/variables.py` (`manage.py describe --variables > docs/settings.md`).

Each site sets what differs from the defaults: in the environment of every process, or in a file `.env` with a line `NAME=VALUE`
for each variable (a value may have quotes; a line that begins with `#` is a comment). What the environment sets goes before
`.env` in `COURSEKEEP_HOME`, and that before `.env` of the checkout. `COURSEKEEP_ENV_FILE` names another file in place of both.

An empty value is none. A value that its variable cannot have keeps every process from starting, with one sentence that names
the variable, the value and what it may be. `manage.py check` warns of variables that begin with `COURSEKEEP_` and are not
listed here.

A *secret* can stand in a file instead: `<NAME>{FILE}` names it, and spaces around the value are left out. No message shows a
secret.
"""


def documentation() -> str:
    """Return the list as a Markdown page, a table for each group."""
    lines = [HEAD.rstrip("\n")]
    for title, group in GROUPS.items():
        lines += ["", f"## {title}", "", "| variable | value | default | |", "|---|---|---|---|"]
        lines += [_row(variable) for variable in group]
    return "\n".join(lines) + "\n"


def _row(variable: Variable) -> str:
    default = variable.otherwise or f"`{variable.default}`"
    value = f"{variable.kind.name}: {variable.kind.allowed}"
    if variable.kind.name == "text":
        value = "text"
    secret = "; secret" if variable.secret else ""
    return f"| `{variable.name}` | {value}{secret} | {default} | {variable.words} |"
