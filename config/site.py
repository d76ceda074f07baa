"""The site's identity: an identifier and two keys, made once and stored in `site.json`."""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from embedded_postgres.lock import locked, make_home


@dataclass(frozen=True)
class Site:
    """The values that must be the same on every machine of a site and for its whole life.

    `identifier` marks the archives made here, `key` seeds anonymising, `secret_key` signs sessions.
    """

    identifier: str
    key: str
    secret_key: str


def read_site(path: Path) -> Site:
    """Return the site stored in the file `path`. Raises ImproperlyConfigured if the file is damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        values = {field.name: content[field.name] for field in fields(Site)}
    except (ValueError, KeyError, TypeError) as error:
        raise ImproperlyConfigured(
            f"{path} is damaged ({error}). Bring it back from a copy; without it, sessions end and "
            "archives of this site are no longer recognised as its own."
        ) from error
    if not all(isinstance(value, str) and value for value in values.values()):
        raise ImproperlyConfigured(
            f"{path} is damaged: each of its values is to be a text that is not empty."
        )
    return Site(**values)


def find_or_make_site(home: Path) -> Site:
    """Return the site of this home folder, and make it if there is none. Safe to call in several processes at once.

    Raises ImproperlyConfigured if `site.json` is damaged.
    """
    path = home / "site.json"
    make_home(home)
    if not path.exists():
        with locked(home / "site.lock"):
            if not path.exists():
                _write(path, Site(secrets.token_hex(16), secrets.token_hex(32), secrets.token_urlsafe(50)))
    return read_site(path)


def _write(path: Path, site: Site) -> None:
    """Write a temporary file and rename it, so that nobody reads half a file. `mkstemp` gives mode 600."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".site-", suffix=".json")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(site), file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)
