"""Anonymising: what becomes of every column that its declaration calls personal.

A person becomes a number that is always the same on this site, that only the site's key explains, and that no two people
share; names and addresses are made of it. SQL and Python compute the same number.
"""

from __future__ import annotations

import hmac
from hashlib import sha256

from courses.fields import NULL, ArchiveField, Rendering

BLOCK = 64
DIGITS = 15
"""Hexadecimal digits of a pseudonym: 60 bits, so that a meeting of two of a million people is not to be expected."""


def keyed(key: str) -> bytes:
    """The key as HMAC takes it, of one block."""
    return sha256(key.encode()).digest().ljust(BLOCK, b"\0")


def pseudonym(key: str, user: int) -> int:
    """The number that stands for a person; 0 and less stand for nobody and stay."""
    if user <= 0:
        return user
    digest = hmac.new(keyed(key), str(user).encode(), sha256).hexdigest()
    return int(digest[:DIGITS], 16)


def pseudonym_sql(key: str, column: str) -> str:
    """The same number as an SQL expression of a column; NULL stays NULL."""
    inner = bytes(byte ^ 0x36 for byte in keyed(key)).hex()
    outer = bytes(byte ^ 0x5C for byte in keyed(key)).hex()
    message = f"convert_to(({column})::text, 'UTF8')"
    digest = f"sha256('\\x{outer}'::bytea || sha256('\\x{inner}'::bytea || {message}))"
    number = f"('x' || substr(encode({digest}, 'hex'), 1, {DIGITS}))::bit({DIGITS * 4})::bigint"
    return f"(CASE WHEN {column} > 0 THEN {number} ELSE {column} END)"


def rendering(key: str, *, people: bool = True, anonymize: bool) -> Rendering:
    """How fields are rendered: with people, with pseudonyms, or with nobody."""
    return Rendering(people=people, anonymize=anonymize, pseudonym=lambda column: pseudonym_sql(key, column))


def personal_sql(field: ArchiveField, *, person: str, rendering: Rendering) -> str:
    """The XML text of a personal column; `person` is the SQL expression of the id of whom it is about.

    The names look as those of Moodle's anonymiser do, so that Moodle recognises them.
    """
    number = f"({rendering.pseudonym(person)})::text"
    texts = {
        "username": f"'anon' || {number}",
        "email": f"'anon' || {number} || '@doesntexist.invalid'",
        "firstname": f"'anonfirstname' || {number}",
        "lastname": f"'anonlastname' || {number}",
        "empty": "''",
        "zero": "'0'",
        "manual": "'manual'",
        "anywhere": "'99'",
        "null": f"'{NULL}'",
    }
    return texts[field.personal or ""]
