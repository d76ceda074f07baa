"""Pseudonyms: the number that stands for a person in an anonymous archive, and the names that are made of it.

A person has the same number in all archives of a site; only the site's key explains it, and no two people share one.
"""

from __future__ import annotations

import hmac
from hashlib import sha256

from archive.details import Pseudonyms
from archive.xml import NULL

DIGITS = 15
"""Hexadecimal digits of a pseudonym: 60 bits, so that two of a million people are not expected to get the same one."""

PERSONAL: dict[str, str] = {
    "username": "anon{number}",
    "email": "anon{number}@doesntexist.invalid",
    "firstname": "anonfirstname{number}",
    "lastname": "anonlastname{number}",
    "empty": "",
    "zero": "0",
    "manual": "manual",
    "anywhere": "99",
    "null": NULL,
}
"""What an anonymous archive has instead of a personal value, by what the field says of itself (`ArchiveField.personal`).

The names have the form of Moodle's anonymiser, so that Moodle recognises them.
"""


def pseudonym(key: str, person: int) -> int:
    """Return the pseudonym of a person's id: a number of 60 bits. Ids of 0 or below are returned unchanged."""
    if person <= 0:
        return person
    digest = hmac.new(sha256(key.encode()).digest(), str(person).encode(), sha256).hexdigest()
    return int(digest[:DIGITS], 16)


def pseudonyms(number: int) -> Pseudonyms:
    """Return the names of the person with a pseudonym."""
    return Pseudonyms(number, *(PERSONAL[name].format(number=number) for name in Pseudonyms._fields[1:]))
