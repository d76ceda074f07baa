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
    cipher = Cipher(algorithms.AES(_key("encrypt")), modes.CBC(start)).encryptor()
    hidden = cipher.update(padder.update(text.encode()) + padder.finalize()) + cipher.finalize()
    return base64.b64encode(start + _digest(start, hidden) + hidden).decode()


def reveal(encrypted: str) -> str | None:
    """Return the decrypted secret; None when another site encrypted it, or when it was changed."""
    try:
        data = base64.b64decode(encrypted, validate=True)
    except (binascii.Error, ValueError):
        return None
    start, digest, hidden = data[:START], data[START : START + DIGEST], data[START + DIGEST :]
    if not hidden or not hmac.compare_digest(digest, _digest(start, hidden)):
        return None
    cipher = Cipher(algorithms.AES(_key("encrypt")), modes.CBC(start)).decryptor()
    unpadder = PKCS7(BLOCK).unpadder()
    padded = cipher.update(hidden) + cipher.finalize()
    return (unpadder.update(padded) + unpadder.finalize()).decode()


def _key(purpose: str) -> bytes:
    return hmac.new(settings.SITE_KEY.encode(), purpose.encode(), sha256).digest()


def _digest(start: bytes, hidden: bytes) -> bytes:
    return hmac.new(_key("sign"), start + hidden, sha256).digest()
