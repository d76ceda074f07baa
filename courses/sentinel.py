"""The sentinel of each storage: a small file with the site's identifier, which shows that the site's own storage is there.

The folder of a disk that is not mounted looks like an empty storage: a backup would find every content missing, and a
sweep would forget what it can no longer remove. So whatever takes a missing file for missing asks `require` before.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from contextlib import suppress

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import storages
from django.db import ProgrammingError, transaction

from archive.errors import StorageAway, StorageFailed
from courses.signing import site_hash
from courses.storage_errors import place_of, told

NAME = "coursekeep-site.txt"
WORDS = "Coursekeep knows its storage by this file. Without it backups and restores stop. Do not remove it.\n"
LONGEST = 1000
MEND = "Mount the disk or name the right storage, then start it again."

Samples = Callable[[], Iterable[str]]
"""Return the names of a few files that the storage has, by what the database says; none if it may be empty."""

_samples: dict[str, Samples] = {}


def expects(alias: str) -> Callable[[Samples], Samples]:
    """Decorator: register the function that names some files which a storage must have."""

    def register(samples: Samples) -> Samples:
        _samples[alias] = samples
        return samples

    return register


def aliases() -> list[str]:
    """Return the aliases of the storages that hold data of the site: all but that of static files."""
    return [alias for alias in settings.STORAGES if alias != "staticfiles"]


def require(alias: str) -> None:
    """Raise StorageAway unless a storage is the site's own; StorageFailed if it does not answer.

    A storage without a sentinel gets one if the database expects no file in it, or if it has one of those expected: it is
    new, or of a site that had no sentinels yet.
    """
    if not is_marked(alias):
        _write(alias)


def is_marked(alias: str) -> bool:
    """Whether a storage has the site's sentinel; False if it has none and may get one. Nothing is written.

    Raises what `require` raises.
    """
    found = _read(alias)
    if found == site_hash():
        return True
    if found:
        raise StorageAway(
            "It belongs to another site.",
            where=place_of(alias),
            hint=f"Name the storage of this site; if it is this one, remove the file {NAME} from it.",
        )
    names = list(_samples[alias]()) if alias in _samples else []
    if names and not has_any(alias, names):
        raise StorageAway(
            f"It is not the storage that the site has used: it has neither the file {NAME} nor the files of the site.",
            where=place_of(alias),
            hint=MEND,
        )
    return False


def make_all() -> None:
    """Make the sentinels that are missing, as `require` does; a storage that is away is left to the first job that needs it."""
    for alias in aliases():
        # A migration of one app alone leaves the tables of others unmade.
        with suppress(StorageFailed, ProgrammingError), transaction.atomic():
            require(alias)


def has_any(alias: str, names: Iterable[str]) -> bool:
    """Whether a storage has one of some files."""
    with told(alias):
        return any(storages[alias].exists(name) for name in names)


def _read(alias: str) -> str:
    """Return the site that a storage's sentinel names; "" without one."""
    try:
        with told(alias), storages[alias].open(NAME, "rb") as file:
            text: bytes = file.read(LONGEST)
    except FileNotFoundError:
        return ""
    return text.decode(errors="replace").partition("\n")[0].strip()


def _write(alias: str) -> None:
    """Write the sentinel, in the place of an empty one that a full disk may have left."""
    storage = storages[alias]
    with told(alias):
        storage.delete(NAME)
        name = storage.save(NAME, File(io.BytesIO(f"{site_hash()}\n{WORDS}".encode())))
        if name != NAME:
            # Another process was faster.
            storage.delete(name)
