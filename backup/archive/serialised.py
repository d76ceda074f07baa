"""Serialised PHP values, as the configuration of blocks is: their texts changed and their lengths counted anew.

Nothing is unserialised: the text is copied, and only what stands between the quotes of a string passes through a function.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable

STRING = re.compile(rb's:([0-9]{1,9}):"')
NAMED = re.compile(rb'[OC]:([0-9]{1,9}):"')


def rewrite_strings(encoded: str, change: Callable[[str], str]) -> str:
    """Base64 of a serialised value with each of its strings changed; what is no such value stays as it is."""
    try:
        data = base64.b64decode(encoded, validate=True)
        changed = _rewritten(data, change)
    except (binascii.Error, ValueError):
        return encoded
    return encoded if changed == data else base64.b64encode(changed).decode()


def _rewritten(data: bytes, change: Callable[[str], str]) -> bytes:
    """Raises ValueError when a length leads nowhere or a string is no text."""
    out, position = bytearray(), 0
    while position < len(data):
        found = STRING.match(data, position) or NAMED.match(data, position)
        if found is None:
            out.append(data[position])
            position += 1
            continue
        start = found.end()
        end = start + int(found[1])
        if data[end : end + 1] != b'"':
            raise ValueError(f"the string at {position} does not end where it says")
        text = data[start:end]
        if found.re is STRING:
            text = change(text.decode()).encode()
            out += b's:%d:"' % len(text) + text + b'"'
        else:
            out += data[position : end + 1]
        position = end + 1
    return bytes(out)
