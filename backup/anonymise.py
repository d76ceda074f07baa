"""Anonymising: the values that personal columns get in an anonymised archive.

A person becomes a number that is always the same on this site, that only the site's key explains, and that no two people
share; names and addresses are made of it. SQL and Python compute the same number.
"""

from __future__ import annotations

import hmac
from hashlib import sha256

from courses.fields import NULL, ArchiveField, Rendering

BLOCK = 64
DIGITS = 15
"""Hexadecimal digits of a pseudonym: 60 bits, so that two of a million people are not expected to get the same one."""


def keyed(key: str) -> bytes:
    """Return the HMAC key: the SHA-256 of `key`, padded with zero bytes to one block."""
    return sha256(key.encode()).digest().ljust(BLOCK, b"\0")


def pseudonym(key: str, user: int) -> int:
    """Return the pseudonym of a user id: a number of 60 bits. Ids of 0 or below are returned unchanged."""
    if user <= 0:
        return user
    digest = hmac.new(keyed(key), str(user).encode(), sha256).hexdigest()
    return int(digest[:DIGITS], 16)


def pseudonym_sql(key: str, column: str) -> str:
    """Return an SQL expression for the pseudonym of `column`, itself an SQL expression of a user id; NULL stays NULL."""
    inner = bytes(byte ^ 0x36 for byte in keyed(key)).hex()
    outer = bytes(byte ^ 0x5C for byte in keyed(key)).hex()
    message = f"convert_to(({column})::text, 'UTF8')"
    digest = f"sha256('\\x{outer}'::bytea || sha256('\\x{inner}'::bytea || {message}))"
    number = f"('x' || substr(encode({digest}, 'hex'), 1, {DIGITS}))::bit({DIGITS * 4})::bigint"
    return f"(CASE WHEN {column} > 0 THEN {number} ELSE {column} END)"


def rendering(key: str, *, people: bool = True, anonymize: bool) -> Rendering:
    """Return the rendering of fields: without `people` ids of users become 0, with `anonymize` pseudonyms."""
    return Rendering(people=people, anonymize=anonymize, pseudonym=lambda column: pseudonym_sql(key, column))


def personal_sql(field: ArchiveField, *, person: str, rendering: Rendering) -> str:
    """Return the SQL expression of the text that replaces a personal column; `person` is that of the user's id.

    The names have the form of Moodle's anonymiser, so that Moodle recognises them. Raises KeyError if `field.personal` is none
    of the known words.
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
