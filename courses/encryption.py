"""Encryption of secrets with the site's key: only the site that encrypted a secret can read it.

The form is the format's: Base64 of 16 bytes initialisation vector, the HMAC-SHA256 of what follows and of the vector, and
the ciphertext (AES-256-CBC).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import re
from hashlib import sha256
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.modes import CBC
    from cryptography.hazmat.primitives.padding import PKCS7

ENCRYPTED = "^[A-Za-z0-9+/]{86,}={0,2}$"
START, DIGEST, BLOCK = 16, 32, 128
_FORM = re.compile(ENCRYPTED)


def is_encrypted(text: str) -> bool:
    """Whether a text has the form of an encrypted secret, of any site."""
    return _FORM.match(text) is not None


def encrypt(text: str) -> str:
    """Return a secret, encrypted with this site's key."""
    start = os.urandom(START)
    sign, key = site_keys("sign")[0], site_keys("encrypt")[0]
    aes, padding = _aes(key, start)
    cipher, padder = aes.encryptor(), padding.padder()
    hidden = cipher.update(padder.update(text.encode()) + padder.finalize()) + cipher.finalize()
    return base64.b64encode(start + _digest(sign, start, hidden) + hidden).decode()


def reveal(encrypted: str) -> str | None:
    """Return the decrypted secret; None when another site encrypted it, or when it was changed.

    Secrets that were encrypted with a former key of this site are decrypted too.
    """
    try:
        data = base64.b64decode(encrypted, validate=True)
    except (binascii.Error, ValueError):
        return None
    start, digest, hidden = data[:START], data[START : START + DIGEST], data[START + DIGEST :]
    keys = zip(site_keys("sign"), site_keys("encrypt"), strict=True)
    found = (key for sign, key in keys if hmac.compare_digest(digest, _digest(sign, start, hidden)))
    key = next(found, None)
    if not hidden or key is None:
        return None
    aes, padding = _aes(key, start)
    cipher, unpadder = aes.decryptor(), padding.unpadder()
    padded = cipher.update(hidden) + cipher.finalize()
    return (unpadder.update(padded) + unpadder.finalize()).decode()


def _aes(key: bytes, start: bytes) -> tuple[Cipher[CBC], PKCS7]:
    """Return the cipher with this key and initialisation vector, and its padding."""
    # The fields of secrets are described by this module, and few commands meet a secret: the library is imported for these.
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.padding import PKCS7

    return Cipher(algorithms.AES(key), modes.CBC(start)), PKCS7(BLOCK)


def site_keys(purpose: str) -> tuple[bytes, ...]:
    """Return the keys for a purpose, 32 bytes each: that made of SITE_KEY, then those made of FORMER_SITE_KEYS."""
    secrets = (settings.SITE_KEY, *settings.FORMER_SITE_KEYS)
    return tuple(hmac.new(secret.encode(), purpose.encode(), sha256).digest() for secret in secrets)


def _digest(key: bytes, start: bytes, hidden: bytes) -> bytes:
    return hmac.new(key, start + hidden, sha256).digest()
