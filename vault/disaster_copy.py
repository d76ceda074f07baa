"""The disaster copy: a folder with all that a site needs to come back, made while the site runs.

    database.dump   PostgreSQL's own format, as of one moment
    pool/           the contents of files that the dump names, under their SHA-1
    archives/       the archives that the dump names
    site.json       the site's keys
    copy.json       what is in the copy; written last, so that a copy without it is not finished

The dump is taken first, and the rows of the same snapshot say which contents and archives belong to it. A content is stored
before its row is committed, so all of them are there; the sweep, which removes contents without rows, waits until all are
copied. An archive that somebody removes meanwhile is named in `copy.json`. Files never change under their name, so a second
copy into the same folder copies only what is new.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from django.conf import settings
from django.core.files.base import File as StorageFile
from django.core.files.storage import Storage, storages
from django.db import DatabaseError, connection, transaction

from archive.errors import CoursekeepError, NotFound
from archive.streams import CHUNK, drain
from audit.trail import record
from courses import pool
from courses.local_storage import sync_file
from courses.models import Course
from courses.models.files import EMPTY, File
from courses.signing import site_hash
from embedded_postgres.lock import locked
from vault import postgres_programs
from vault.models import StoredArchive

log = logging.getLogger(__name__)

DUMP, KEYS, CONTENTS = "database.dump", "site.json", "copy.json"
STORAGES = ("pool", "archives")

Advance = Callable[[str, int, int], object]
"""Called with the storage, the number of its files that are done, and the number of all."""


class CopyFailed(CoursekeepError):
    """The disaster copy cannot be made, or cannot be put back."""

    code = "disaster-copy"


@dataclass
class Copied:
    """The contents of a copy: when and of which site it was made, the files of each storage, and those that it lacks.

    `new` counts the files that this run copied, `removed` those that it removed from the folder. `missing` names the files
    that the dump names and the storage does not have, or has damaged.
    """

    made: str
    site: str
    contents: int = 0
    archives: int = 0
    new: int = 0
    removed: int = 0
    missing: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in STORAGES})


@dataclass(frozen=True, slots=True)
class _Named:
    """A file that the dump names: its name in the storage, its digest by `algorithm`, and its size if that is known."""

    name: str
    digest: str
    algorithm: str
    size: int | None = None


def make(folder: Path, *, keys: bool, prune: bool, advance: Advance) -> Copied:
    """Make the copy, or bring it up to date, and return what is in it.

    With `prune` files that the dump does not name are removed from the folder. Raises CopyFailed; the dump and the files of the
    last copy are then still there.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(folder / ".lock"), pool.in_use():
        new_dump = folder / f"{DUMP}.part"
        named = _dump(new_dump)
        copied = Copied(datetime.now(UTC).isoformat(timespec="seconds"), site_hash())
        for alias, files in named.items():
            _copy_storage(alias, files, folder / alias, copied, advance)
        copied.contents, copied.archives = (len(named[alias]) for alias in STORAGES)
        if keys:
            _write(folder / KEYS, json.dumps(_site(), indent=2))
        new_dump.replace(folder / DUMP)
        if prune:
            copied.removed = sum(_prune(folder / alias, files) for alias, files in named.items())
        _write(folder / CONTENTS, json.dumps(asdict(copied), indent=2))
        sync_file(folder / CONTENTS)
        counts: dict[str, Any] = {
            "contents": copied.contents,
            "archives": copied.archives,
            "removed": copied.removed,
        }
        record("disaster-copied", by=None, subject="site", title=str(folder), keys=keys, **counts)
    return copied


def read(folder: Path) -> Copied:
    """Return what is in a finished copy. Raises NotFound if the folder holds none."""
    try:
        return Copied(**json.loads((folder / CONTENTS).read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise NotFound(
            "The folder holds no finished copy of a site.",
            where=str(folder),
            hint="Name the folder that `manage.py disaster_copy make` has written.",
        ) from error


def put_back_database(folder: Path, *, replace: bool) -> None:
    """Bring the database back from a copy, in one transaction.

    Raises CopyFailed if the database holds courses and `replace` is not given, or if PostgreSQL refuses.
    """
    read(folder)
    if not replace and _has_courses():
        raise CopyFailed(
            "The database holds courses, which would be replaced.",
            where=str(settings.DATABASES["default"]["NAME"]),
            hint="Stop the site, and add --replace if the database is to become that of the copy.",
        )
    _run_on_database("pg_restore", *postgres_programs.RESTORE, "--dbname", "{dsn}", str(folder / DUMP))
    _record_return(folder, "database")


def put_back_storage(folder: Path, alias: str, *, advance: Advance) -> int:
    """Bring the files of a storage back from a copy and return their number. Files that the storage has whole stay.

    Raises CopyFailed for a file of the copy that is damaged; the files before it are back.
    """
    read(folder)
    source, back = folder / alias, 0
    files = sorted(path for path in source.rglob("*") if path.is_file() and not path.name.endswith(".part"))
    # What lies at the top marks the storage as this site's; it has to be there before anything else.
    files.sort(key=lambda path: path.parent != source)
    for number, path in enumerate(files, 1):
        name = path.relative_to(source).as_posix()
        back += _put_back(storages[alias], name, path, is_content=alias == "pool" and path.parent != source)
        advance(alias, number, len(files))
    _record_return(folder, alias, files=back)
    return back


def _record_return(folder: Path, part: str, **details: Any) -> None:
    """Record in the audit trail that a part of the site was put back, as far as the database has a trail."""
    try:
        with transaction.atomic():
            record("disaster-put-back", by=None, subject="site", title=str(folder), part=part, **details)
    except DatabaseError as problem:
        # What was put back may be of an older release and not migrated yet: the part is back all the same.
        log.warning("The return of the part %s is not in the audit trail: %s", part, problem)


def _put_back(storage: Storage, name: str, path: Path, *, is_content: bool) -> bool:
    """Store one file of a copy under its name unless the storage has it; return True if it was stored."""
    with path.open("rb") as stream:
        if is_content:
            whole = pool.is_whole(path.name)
            if not whole:
                _put_content(stream, path)
            return not whole
        if storage.exists(name) and storage.size(name) == path.stat().st_size and _has(storage, name, stream):
            return False
        stream.seek(0)
        storage.delete(name)
        if storage.save(name, StorageFile(stream)) != name:
            raise CopyFailed("The storage gave the file another name.", where=name, hint="Try again.")
    return True


def _has(storage: Storage, name: str, stream: IO[bytes]) -> bool:
    """Whether a file of a storage has the bytes of a stream. All sentinels have one size, and differ."""
    try:
        with closing(storage.open(name, "rb")) as there:
            while piece := stream.read(CHUNK):
                if there.read(len(piece)) != piece:
                    return False
    except OSError:  # the disk cannot read it
        return False
    return True


def _put_content(stream: IO[bytes], path: Path) -> None:
    try:
        pool.put(stream, sha1=path.name)
    except pool.WrongHash as error:
        raise CopyFailed(
            "The content in the copy is damaged: its SHA-1 is not its name.",
            where=str(path),
            hint="Bring the file from an older copy, or remove it from this one; the courses then lack it.",
        ) from error


def _dump(target: Path) -> dict[str, list[_Named]]:
    """Write the dump, and return the files that it names, by storage."""
    with _snapshot() as snapshot:
        _run_on_database(
            "pg_dump", *postgres_programs.DUMP, f"--snapshot={snapshot}", f"--file={target}", "{dsn}"
        )
        target.chmod(0o600)
        sync_file(target)
        hashes = File.objects.exclude(contenthash__in=["", EMPTY]).order_by("contenthash")
        contents = hashes.values_list("contenthash", flat=True).distinct()
        archives = StoredArchive.objects.order_by("file").values_list("file", "sha256", "size")
        return {
            "pool": [_Named(pool.name_of(sha1), sha1, "sha1") for sha1 in contents.iterator()],
            "archives": [_Named(file, digest, "sha256", size) for file, digest, size in archives.iterator()],
        }


@contextmanager
def _snapshot() -> Iterator[str]:
    """Context manager: the name of a snapshot that other sessions can read; this connection reads it too."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        yield str(cursor.fetchone()[0])


def _beside(storage: Storage) -> list[str]:
    """Return the files that stand beside the folders of a storage: its sentinel. One without files has no folder yet."""
    try:
        return storage.listdir("")[1]
    except FileNotFoundError:
        return []


def _copy_storage(alias: str, files: list[_Named], target: Path, copied: Copied, advance: Advance) -> None:
    """Copy the files of a storage that the folder does not have; note those that are missing or damaged."""
    storage = storages[alias]
    target.mkdir(mode=0o700, exist_ok=True)
    for name in _beside(storage):
        if not name.startswith("."):
            with storage.open(name, "rb") as stream:
                _write(target / name, stream.read())
    for number, one in enumerate(files, 1):
        path = target / one.name
        if not path.exists() or (one.size is not None and path.stat().st_size != one.size):
            if _copy(storage, one, path):
                copied.new += 1
            else:
                copied.missing[alias].append(one.name)
        advance(alias, number, len(files))


def _copy(storage: Storage, one: _Named, path: Path) -> bool:
    """Copy a file under another name, and rename it if it has its digest; return whether it had."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    digest = hashlib.new(one.algorithm, usedforsecurity=False)
    try:
        with closing(storage.open(one.name, "rb")) as stream, part.open("wb") as target:
            drain(cast(BinaryIO, stream), digest.update, target.write)
            target.flush()
            os.fsync(target.fileno())
    except FileNotFoundError:
        return False
    if digest.hexdigest() != one.digest:
        part.unlink()
        return False
    part.replace(path)
    return True


def _prune(folder: Path, files: list[_Named]) -> int:
    """Remove what the dump does not name, and return the number of files."""
    named = {folder / one.name for one in files}
    going = [path for path in folder.rglob("*") if path.is_file() and path.parent != folder]
    gone = [path for path in going if path not in named]
    for path in gone:
        path.unlink()
    return len(gone)


def _site() -> dict[str, Any]:
    """Return the site's keys as `site.json` has them, with the former keys, which are a setting."""
    return {
        "identifier": settings.SITE_IDENTIFIER,
        "key": settings.SITE_KEY,
        "secret_key": settings.SECRET_KEY,
        "former_keys": list(settings.FORMER_SITE_KEYS),
    }


def _has_courses() -> bool:
    return Course._meta.db_table in connection.introspection.table_names() and Course.objects.exists()


def _run_on_database(program: str, *arguments: str) -> None:
    """Run a program of PostgreSQL on the site's database; `{dsn}` stands for its address. Raises CopyFailed."""
    problem = postgres_programs.run(program, arguments)
    if problem:
        raise CopyFailed(
            f"{program} failed: {problem}",
            where=str(settings.DATABASES["default"]["NAME"]),
            hint="Mend that and try again.",
        )


def _write(path: Path, data: str | bytes) -> None:
    """Write a file under another name and rename it; only this account may read it."""
    part = path.with_name(f"{path.name}.part")
    part.touch(mode=0o600)
    with part.open("wb") as file:
        file.write(data.encode() if isinstance(data, str) else data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
