"""The floors: the least work that any backup and restore of the same data needs.

Backup: `COPY (SELECT columns) TO STDOUT` of the same rows, then compressing the same bytes as the archive
writer does. Restore: decompressing and parsing the same XML, then `COPY` of the same rows into tables with the
same indexes, but without constraints. Neither checks a value, maps an id or sorts rows.
"""

from __future__ import annotations

import os
import tarfile
from pathlib import Path
from typing import IO, Any, cast

from django.db import connection
from django.db.models import Model
from lxml import etree

from archive.compression import Portion, gzip_blocks
from archive.streams import CHUNK, blocks, open_gzip_to_read
from courses import services, structure
from courses.models import File, OpaqueElement, OpaqueMember, Role, User

BLOCK = 256 * 1024


def tables_with_rows() -> dict[str, list[str]]:
    """Return the tables with rows, and the columns of each that archives hold: id, references and values."""
    found = {}
    with connection.cursor() as cursor:
        for model in cast(
            "tuple[type[Model], ...]", (*structure.archived_models(), OpaqueMember, OpaqueElement)
        ):
            table = model._meta.db_table
            cursor.execute(f'SELECT EXISTS (SELECT FROM "{table}")')
            if cursor.fetchone()[0]:
                found[table] = [
                    f'"{field.column}"' for field in model._meta.concrete_fields if _is_in_archives(field)
                ]
    return found


def _is_in_archives(field: Any) -> bool:
    return field.primary_key or field.is_relation or not getattr(field, "omit", "")


def tags(folder: Path) -> list[str]:
    """Return the names of the elements of the records that `dump` wrote."""
    tops = [element for element, _ in services.tops()] + [
        structure.element(model) for model in (User, Role, File)
    ]
    elements = (element for top in tops for element in top.walk())
    return sorted({element.tag for element in elements if (folder / element.table).exists()})


def copy_out(tables: dict[str, list[str]]) -> int:
    """COPY these columns of tables to the null device and return the number of rows."""
    rows = 0
    with connection.cursor() as cursor, Path(os.devnull).open("wb") as nowhere:
        for table, columns in tables.items():
            cursor.copy_expert(f'COPY (SELECT {", ".join(columns)} FROM "{table}") TO STDOUT', nowhere)
            rows += cursor.rowcount
    return rows


def compress(unpacked: Path, target: Path) -> int:
    """Compress an archive's bytes as the archive writer does and return the size of the result in bytes."""
    with unpacked.open("rb") as source, target.open("wb") as packed:
        for block in gzip_blocks(Portion(block) for block in blocks(source)):
            packed.write(block)
        return packed.tell()


def unpack(archive: Path, target: Path) -> int:
    """Decompress an archive into a file and return the number of bytes."""
    with archive.open("rb") as packed, open_gzip_to_read(packed) as source, target.open("wb") as unpacked:
        while block := source.read(CHUNK):
            unpacked.write(block)
        return unpacked.tell()


def dump(folder: Path) -> int:
    """Write all rows of a database in COPY format, a file for each table with rows, and return the number of rows."""
    rows = 0
    with connection.cursor() as cursor:
        for table in tables_with_rows():
            with (folder / table).open("wb") as target:
                cursor.copy_expert(f'COPY "{table}" TO STDOUT', target)
            rows += cursor.rowcount
    return rows


def make_tables(folder: Path) -> None:
    """Make the tables that `copy_in` fills: as those of the site, with their indexes, without their constraints."""
    with connection.cursor() as cursor:
        for path in sorted(folder.iterdir()):
            like = f'LIKE "{path.name}" INCLUDING DEFAULTS INCLUDING IDENTITY INCLUDING INDEXES'
            cursor.execute(f'CREATE TABLE "floor_{path.name}" ({like})')


def copy_in(folder: Path) -> int:
    """COPY the rows that `dump` wrote, table by table, and return their number."""
    rows = 0
    with connection.cursor() as cursor:
        for path in sorted(folder.iterdir()):
            with path.open("rb") as source:
                cursor.copy_expert(f'COPY "floor_{path.name}" FROM STDIN', source, size=CHUNK)
            rows += cursor.rowcount
    return rows


def parse_archive(archive: Path, tags: list[str]) -> int:
    """Decompress an archive, parse its XML and return the number of records; each is dropped when it ends."""
    records = 0
    with (
        archive.open("rb") as packed,
        open_gzip_to_read(packed) as source,
        tarfile.open(fileobj=source, mode="r|", bufsize=CHUNK) as members,
    ):
        for member in members:
            stream = members.extractfile(member) if member.name.endswith(".xml") else None
            if stream is not None:
                records += _parse(stream, tags)
    return records


def _parse(stream: IO[bytes], tags: list[str]) -> int:
    """Parse a stream in the quickest way found: blocks of 256 KB, and events for the ends of records only."""
    parser: Any = etree.XMLPullParser(events=("end",), tag=tags)
    records = 0
    while block := stream.read(BLOCK):
        parser.feed(block)
        for _, node in parser.read_events():
            records += 1
            parent = node.getparent()
            if parent is not None:
                parent.remove(node)
            else:
                node.clear()
    parser.close()
    return records
