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

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from django.conf import settings

ENCRYPTED = "^[A-Za-z0-9+/]{86,}={0,2}$"
START, DIGEST, BLOCK = 16, 32, 128
_FORM = re.compile(ENCRYPTED)


def is_encrypted(text: str) -> bool:
    """Whether a text has the form of an encrypted secret, of any site."""
    return _FORM.match(text) is not None


def encrypt(text: str) -> str:
    """Return a secret, encrypted with this site's key."""
    start = os.urandom(START)
    padder = PKCS7(BLOCK).padder()
    sign, key = site_keys("sign")[0], site_keys("encrypt")[0]
    cipher = Cipher(algorithms.AES(key), modes.CBC(start)).encryptor()
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
    cipher = Cipher(algorithms.AES(key), modes.CBC(start)).decryptor()
    unpadder = PKCS7(BLOCK).unpadder()
    padded = cipher.update(hidden) + cipher.finalize()
    return (unpadder.update(padded) + unpadder.finalize()).decode()


def site_keys(purpose: str) -> tuple[bytes, ...]:
    """Return the keys for a purpose, 32 bytes each: that made of SITE_KEY, then those made of FORMER_SITE_KEYS."""
    secrets = (settings.SITE_KEY, *settings.FORMER_SITE_KEYS)
    return tuple(hmac.new(secret.encode(), purpose.encode(), sha256).digest() for secret in secrets)


def _digest(key: bytes, start: bytes, hidden: bytes) -> bytes:
    return hmac.new(key, start + hidden, sha256).digest()
