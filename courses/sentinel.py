"""The sentinel of each storage: a small file with the site's identifier, which shows that the site's own storage is there.

The folder of a disk that is not mounted looks like an empty storage: a backup would find every content missing, a sweep
would forget what it can no longer remove, and an archive would go where nobody finds it. So whatever takes a missing file
for missing, or stores one, asks before.

The first migration of a site marks its storages, and `manage.py storages init` marks one of which the disk came later. The
database remembers that (`MarkedStorage`): from then on a storage without its sentinel is refused, also if it is empty.

Only storages of whose files the database knows are marked: all machines of a site have the same ones. `default` has files of
one machine, so each machine may have another, and no disaster copy has it.
"""

from __future__ import annotations

import io
import logging
import re
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, NamedTuple

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import File
from django.core.files.storage import storages
from django.db import ProgrammingError, connection, transaction

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
_numbers: dict[str, Callable[[], int]] = {}


def expects(alias: str, *, number: Callable[[], int]) -> Callable[[Samples], Samples]:
    """Decorator: register the function that names some files which a storage must have.

    `number` returns how many files it has in all, by what the database says.
    """

    def register(samples: Samples) -> Samples:
        _samples[alias], _numbers[alias] = samples, number
        return samples

    return register


def aliases() -> list[str]:
    """Return the aliases of the storages that hold data of the site: all but that of static files."""
    return [alias for alias in settings.STORAGES if alias != "staticfiles"]


def shared() -> list[str]:
    """Return the aliases of the storages of whose files the database knows: those that have a sentinel."""
    return [alias for alias in aliases() if alias in _samples]


def require(alias: str, *, marked: bool = False) -> None:
    """Raise StorageAway unless a storage is the site's own; StorageFailed if it does not answer.

    A storage that was never marked gets its sentinel if it has one of the files that the database expects: it is of a site
    that had no sentinels yet. In a transaction that only reads it gets none. One of which no file is expected stays as it is;
    with `marked` it is refused: `mark` was called before.
    """
    found = _looked_at(alias, _row(alias))
    if found.own:
        return
    if found.expected:
        if not _only_reads():
            _mark_once(alias)
    elif marked:
        raise _other_storage(alias)


def mark(alias: str) -> None:
    """Require a storage, and mark it if it never was. Call it before the site's files are put into it."""
    if (row := _row(alias)) is not None:
        _looked_at(alias, row)
        return
    _mark_once(alias)


def _mark_once(alias: str) -> None:
    """Write the sentinel of a storage, unless another process has done it meanwhile, and remember it."""
    with transaction.atomic():
        lock_until_commit(f"sentinel {alias}")
        if not is_marked(alias):
            _write(alias, uuid.uuid4().hex)
        _remember(alias, _read(alias).token)


def _only_reads() -> bool:
    """Whether the transaction is one of those that cannot write, such as the snapshot of a backup."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW transaction_read_only")
        return str(cursor.fetchone()[0]) == "on"


def is_new_site() -> bool:
    """Whether no storage was ever marked, and the database expects no file in any: as after a first migration that stopped."""
    # A migration of one app alone leaves the tables of others unmade.
    with suppress(ProgrammingError), transaction.atomic():
        return not MarkedStorage.objects.exists() and not any(_expected(alias) for alias in shared())
    return False


def mark_new_site() -> None:
    """Mark all storages of a site that has just been made.

    One that is away or belongs to another site is remembered as well: it is refused until `initialise` is called.
    """
    for alias in shared():
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
def initialise(alias: str, *, without_files: bool = False) -> None:
    """Mark a storage as the site's own from now on, in place of the one that was: an explicit act of who runs the site.

    Raises StorageAway if it belongs to another site, or has none of the files that the database expects; with `without_files`
    these are lost from now on, and the audit trail says how many. A storage that has its mark is left as it is.
    """
    lock_until_commit(f"sentinel {alias}")
    found, row = _read(alias), _row(alias)
    if found.site and found.site != site_hash():
        raise _of_another_site(alias)
    if row is not None and found.token and (found.site, found.token) == (row.site, row.token):
        return
    lost = number_of_lost(alias)
    if lost and not without_files:
        raise _without_files(alias, lost)
    token = uuid.uuid4().hex
    details: dict[str, Any] = {"lost": lost} if lost else {}
    _remember(alias, token)
    record("storage-initialised", by=None, subject="storage", title=alias, **details)
    # Last, since what was written is not undone with the transaction.
    _write(alias, token)


def number_of_lost(alias: str) -> int:
    """Return the number of files that the database names in a storage if it has none of a few of them; else 0."""
    names = _expected(alias)
    return _numbers[alias]() if names and not has_any(alias, names) else 0


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


def is_remembered(alias: str) -> bool:
    """Whether the database remembers a sentinel of a storage, so that an empty folder in its place is refused."""
    return _row(alias) is not None


def _row(alias: str) -> MarkedStorage | None:
    """Return what the database remembers of a storage's sentinel; None if it was never marked by this site."""
    if alias not in _samples:
        return None
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


def _without_files(alias: str, lost: int) -> StorageAway:
    return StorageAway(
        f"It has neither the file {NAME} nor the files of the site, which are {lost:,}.",
        where=place_of(alias),
        hint=f"{MEND} If there is a disaster copy, put it back. If the files are lost for good, "
        f"run manage.py storages init {alias} --without-files.",
    )


def _of_another_site(alias: str) -> StorageAway:
    return StorageAway(
        "It belongs to another site.",
        where=place_of(alias),
        hint=f"Name the storage of this site; if it is this one, remove the file {NAME} from it.",
    )


def make_all() -> None:
    """Make the missing sentinels of storages with files, as `require` does; a storage that is away is left to the first job."""
    for alias in shared():
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
    site, token, *_ = *_text(alias).decode(errors="replace").split("\n"), ""
    return Sentinel(site.strip(), token.strip() if TOKEN.fullmatch(token.strip()) else "")


def _text(alias: str) -> bytes:
    """Return the beginning of the file of a sentinel; nothing without one."""
    try:
        with told(alias), storages[alias].open(NAME, "rb") as file:
            return bytes(file.read(LONGEST))
    except FileNotFoundError:
        return b""


def _write(alias: str, token: str) -> None:
    """Write the sentinel, in the place of an empty or an old one. If that fails the old one is written back."""
    before = _text(alias)
    try:
        _save(alias, "\n".join([site_hash(), token, WORDS]).encode())
    except Exception:
        if before:
            try:
                _save(alias, before)
            except Exception:  # the error that is told is the first one
                log.exception("The sentinel of the storage %s is lost; it was %r.", alias, before)
        raise


def _save(alias: str, text: bytes) -> None:
    """Make a text the sentinel of a storage."""
    storage = storages[alias]
    with told(alias):
        storage.delete(NAME)
        name = storage.save(NAME, File(io.BytesIO(text)))
        if name != NAME:
            # Another process was faster.
            storage.delete(name)
