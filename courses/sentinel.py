"""The sentinel of each storage: a small file with the site's identifier, which shows that the site's own storage is there.

The folder of a disk that is not mounted looks like an empty storage: a backup would find every content missing, a sweep
would forget what it can no longer remove, and an archive would go where nobody finds it. So whatever takes a missing file
for missing, or stores one, asks before.

The first migration of a site marks its storages, and `manage.py storages init` marks one of which the disk came later. The
database remembers that (`MarkedStorage`): from then on a storage without its sentinel is refused, also if it is empty.
"""

from __future__ import annotations

import io
import logging
import re
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import NamedTuple

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import File
from django.core.files.storage import storages
from django.db import ProgrammingError, transaction

from archive.errors import StorageAway, StorageFailed
from audit.trail import record
from courses.locks import lock_until_commit
from courses.models import MarkedStorage
from courses.signing import site_hash
from courses.storage_errors import place_of, told

log = logging.getLogger(__name__)

NAME = "coursekeep-site.txt"
WORDS = "Coursekeep knows its storage by this file. Without it backups and restores stop. Do not remove it.\n"
LONGEST = 1000
TOKEN = re.compile("[0-9a-f]{32}")
"""The second line of a sentinel: the token. Those of earlier versions have none."""

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


def require(alias: str, *, marked: bool = False) -> None:
    """Raise StorageAway unless a storage is the site's own; StorageFailed if it does not answer.

    A storage that was never marked gets its sentinel if it has one of the files that the database expects: it is of a site
    that had no sentinels yet. One of which no file is expected stays as it is; with `marked` it is refused: `mark` was called
    before.
    """
    found = _looked_at(alias, _row(alias))
    if found.own:
        return
    if found.expected:
        _write(alias, "")
    elif marked:
        raise _other_storage(alias)


def mark(alias: str) -> None:
    """Require a storage, and mark it if it never was. Call it before the site's files are put into it."""
    if (row := _row(alias)) is not None:
        _looked_at(alias, row)
        return
    with transaction.atomic():
        lock_until_commit(f"sentinel {alias}")
        if not is_marked(alias):
            _write(alias, uuid.uuid4().hex)
        _remember(alias, _read(alias).token)


def mark_new_site() -> None:
    """Mark all storages of a site that has just been made.

    One that is away or belongs to another site is remembered as well: it is refused until `initialise` is called.
    """
    for alias in aliases():
        token = uuid.uuid4().hex
        try:
            found = _read(alias)
            if found.site == site_hash():
                token = found.token
            elif not found.site:
                _write(alias, token)
        except (StorageFailed, ImproperlyConfigured) as problem:
            log.warning("The storage %s is not initialised: %s", alias, problem)
        _remember(alias, token)


@transaction.atomic
def initialise(alias: str) -> None:
    """Mark a storage as the site's own from now on, in place of the one that was: an explicit act of who runs the site.

    Raises StorageAway if it belongs to another site, or has none of the files that the database expects.
    """
    lock_until_commit(f"sentinel {alias}")
    found = _read(alias)
    if found.site and found.site != site_hash():
        raise _of_another_site(alias)
    names = _expected(alias)
    if names and not has_any(alias, names):
        raise _other_storage(alias)
    token = uuid.uuid4().hex
    _write(alias, token)
    _remember(alias, token)
    record("storage-initialised", by=None, subject="storage", title=alias)


def is_marked(alias: str) -> bool:
    """Whether a storage has the site's sentinel; False if it has none and may get one. Nothing is written.

    Raises what `require` raises.
    """
    return _looked_at(alias, _row(alias)).own


class _Look(NamedTuple):
    """Whether a storage is the site's own, and else files that it should have; such a storage may get a sentinel."""

    own: bool
    expected: list[str]


def _looked_at(alias: str, row: MarkedStorage | None) -> _Look:
    """Compare the sentinel of a storage with its row. Raises what `require` raises."""
    found = _read(alias)
    if found.site and found.site != site_hash():
        raise _of_another_site(alias)
    if row is not None:
        if (found.site, found.token) != (row.site, row.token):
            raise _other_storage(alias, f"its file {NAME} is missing, or that of another folder")
        return _Look(True, [])
    if found.site:
        return _Look(True, [])
    names = _expected(alias)
    if names and not has_any(alias, names):
        raise _other_storage(alias)
    return _Look(False, names)


def _row(alias: str) -> MarkedStorage | None:
    """Return what the database remembers of a storage's sentinel; None if it was never marked by this site."""
    return MarkedStorage.objects.filter(alias=alias, site=site_hash()).first()


def _remember(alias: str, token: str) -> None:
    row = MarkedStorage(alias=alias, site=site_hash(), token=token)
    MarkedStorage.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["alias"], update_fields=["site", "token"]
    )


def _expected(alias: str) -> list[str]:
    return list(_samples[alias]()) if alias in _samples else []


def _other_storage(
    alias: str, why: str = f"it has neither the file {NAME} nor the files of the site"
) -> StorageAway:
    return StorageAway(
        f"It is not the storage that the site has used: {why}.",
        where=place_of(alias),
        hint=f"{MEND} If it is a new one, run manage.py storages init {alias}.",
    )


def _of_another_site(alias: str) -> StorageAway:
    return StorageAway(
        "It belongs to another site.",
        where=place_of(alias),
        hint=f"Name the storage of this site; if it is this one, remove the file {NAME} from it.",
    )


def make_all() -> None:
    """Make the missing sentinels of storages with files, as `require` does; a storage that is away is left to the first job."""
    for alias in aliases():
        # A migration of one app alone leaves the tables of others unmade.
        with suppress(StorageFailed, ProgrammingError), transaction.atomic():
            require(alias)


def has_any(alias: str, names: Iterable[str]) -> bool:
    """Whether a storage has one of some files."""
    with told(alias):
        return any(storages[alias].exists(name) for name in names)


class Sentinel(NamedTuple):
    """The site and the token that a sentinel names; both empty without one."""

    site: str
    token: str


def _read(alias: str) -> Sentinel:
    """Return the sentinel of a storage."""
    try:
        with told(alias), storages[alias].open(NAME, "rb") as file:
            text: bytes = file.read(LONGEST)
    except FileNotFoundError:
        return Sentinel("", "")
    site, token, *_ = *text.decode(errors="replace").split("\n"), ""
    return Sentinel(site.strip(), token.strip() if TOKEN.fullmatch(token.strip()) else "")


def _write(alias: str, token: str) -> None:
    """Write the sentinel, in the place of an empty or an old one."""
    storage = storages[alias]
    with told(alias):
        storage.delete(NAME)
        lines = [site_hash(), *([token] if token else []), WORDS]
        name = storage.save(NAME, File(io.BytesIO("\n".join(lines).encode())))
        if name != NAME:
            # Another process was faster.
            storage.delete(name)
