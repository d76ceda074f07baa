"""The second factor of administrators: a device that shows codes (TOTP), and recovery codes for the day that it is lost.

A session is verified once a code was right. Whoever has a device is asked for it; `due` says who still has to.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY
from django.db import transaction
from django.http import HttpRequest
from django.middleware.csrf import rotate_token
from django.utils import timezone
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp import login as verify_session
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp.util import random_hex

from archive.errors import UsageError
from courses.account_changes import record_of_account
from courses.locks import lock_until_commit
from courses.models import User
from sign_in.attempts import CODE, count_attempt, leave_out, record_attempt, take_back
from sign_in.models import RecoveryCode

RECOVERY_CODES = 10
OIDC_BACKEND = "sign_in.oidc.OidcBackend"
_CODE = re.compile(r"[0-9]{6}\Z")
_RECOVERY_CODE = re.compile(r"[A-Z2-7]{16}\Z")

Due = Literal["code", "setup"]


@dataclass(frozen=True, slots=True)
class Checked:
    """The outcome of a code: `right`, and if it was not even looked at the moment until when (`wait_until`)."""

    right: bool
    recovery: bool = False
    wait_until: datetime | None = None


def device_of(account: User) -> TOTPDevice | None:
    """Return the device of an account, None if it has none."""
    return TOTPDevice.objects.filter(user=account, confirmed=True).order_by("pk").first()


def due(request: HttpRequest, user: object) -> Due | None:
    """Return what the user of a request has to do before going on: enter a `code`, or `setup` a device; None for nothing.

    Who has signed in at the provider of OpenID Connect was asked there, unless a setting asks here too.
    """
    if not isinstance(user, User) or not user.is_superuser or getattr(user, "otp_device", None) is not None:
        return None
    if request.session.get(BACKEND_SESSION_KEY) == OIDC_BACKEND and not settings.SECOND_FACTOR_AFTER_OIDC:
        return None
    if device_of(user) is not None:
        return "code"
    return "setup" if settings.SECOND_FACTOR_REQUIRED else None


def check(request: HttpRequest, account: User, text: str) -> Checked:
    """Check a code of the device or a recovery code, which is used up by that. Raises PermissionDenied at a limit.

    A code of the device is right once. Attempts are counted as those with passwords are, and after each wrong code the
    device waits twice as long. Recovery codes are too long to be tried out: they are counted for the address only, so that
    somebody who knows the password cannot close that way too.
    """
    plain = re.sub(r"[\s-]", "", text).upper()
    of_device = _CODE.match(plain) is not None
    counted = count_attempt(request, CODE, str(account.pk) if of_device else None)
    found = _check_device(account, plain) if of_device else _check_recovery(account, plain)
    if found.right:
        take_back(counted)
    elif found.wait_until is not None:
        leave_out(counted)
    else:
        record_attempt("sign-in-failed", account, request, by=None, outcome="failed", factor="code")
    return found


def _check_device(account: User, code: str) -> Checked:
    with transaction.atomic():
        device = TOTPDevice.objects.select_for_update().filter(user=account, confirmed=True).first()
        if device is None:
            return Checked(right=False)
        allowed, why = device.verify_is_allowed()
        if not allowed:
            return Checked(right=False, wait_until=(why or {}).get("locked_until", timezone.now()))
        return Checked(right=bool(device.verify_token(code)))


@transaction.atomic
def _check_recovery(account: User, code: str) -> Checked:
    if not _RECOVERY_CODE.match(code):
        return Checked(right=False)
    deleted, _ = RecoveryCode.objects.filter(account=account, digest=_digest(account, code)).delete()
    if not deleted:
        return Checked(right=False)
    left = RecoveryCode.objects.filter(account=account).count()
    record_of_account("recovery-code-used", account, by=account, left=left)
    return Checked(right=True, recovery=True)


def verify(request: HttpRequest, account: User) -> None:
    """Note in the session that the second factor was shown. The session gets a new key."""
    request.session.cycle_key()
    rotate_token(request)
    # Somebody may have removed the device meanwhile: then there is nothing to be asked for.
    verify_session(request, device_of(account))


def new_key() -> str:
    """Return the secret of a new device, in hexadecimal digits."""
    return str(random_hex(20))


def as_text(key: str) -> str:
    """Return a secret as people type it: letters and digits in groups of four."""
    plain = base64.b32encode(bytes.fromhex(key)).decode().rstrip("=")
    return " ".join(plain[start : start + 4] for start in range(0, len(plain), 4))


def as_picture(account: User, key: str) -> str:
    """Return the QR code of a secret as an SVG element, black on white whatever the page's colours are."""
    import segno  # every command loads this module, only this page draws

    address = TOTPDevice(user=account, key=key).config_url
    code = segno.make(address, error="m", micro=False)
    return str(code.svg_inline(scale=5, border=4, dark="#000", light="#fff", omitsize=True))


def set_up(account: User, key: str, code: str) -> list[str]:
    """Give an account the device that has the secret and shows the code; return its recovery codes.

    Raises UsageError if the code is wrong, and if the account has a device already.
    """
    plain = re.sub(r"\s", "", code)
    totp = TOTP(bytes.fromhex(key), 30, 0, 6, 0)
    totp.time = time.time()
    if not _CODE.match(plain) or not totp.verify(int(plain), 1):
        raise UsageError(
            "The code is wrong.",
            hint="Enter the six digits that the app shows now. If it goes on, check the clock of the phone.",
        )
    with transaction.atomic():
        lock_until_commit("second factor", account.pk)
        if device_of(account) is not None:
            raise UsageError("This account has a second factor already.", hint="Remove it first.")
        # The code that was shown now is used up.
        TOTPDevice.objects.create(
            user=account, name="app", key=key, confirmed=True, last_t=totp.t(), drift=totp.drift
        )
        record_of_account("second-factor-set", account, by=account)
        return _make_codes(account)


@transaction.atomic
def renew_codes(account: User) -> list[str]:
    """Replace the recovery codes of an account, and return the new ones, which are not stored."""
    record_of_account("recovery-codes-made", account, by=account)
    return _make_codes(account)


@transaction.atomic
def remove(account: User, *, by: User | None) -> bool:
    """Remove the second factor of an account with its recovery codes; return whether there was one."""
    lock_until_commit("second factor", account.pk)
    deleted, _ = TOTPDevice.objects.filter(user=account).delete()
    RecoveryCode.objects.filter(account=account).delete()
    if deleted:
        record_of_account("second-factor-removed", account, by=by)
    return bool(deleted)


def forget_session(session: Any) -> None:
    """Forget that the second factor was shown in a session: a new sign-in asks again."""
    session.pop(DEVICE_ID_SESSION_KEY, None)


def _make_codes(account: User) -> list[str]:
    RecoveryCode.objects.filter(account=account).delete()
    codes = [base64.b32encode(secrets.token_bytes(10)).decode() for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.bulk_create(
        RecoveryCode(account=account, digest=_digest(account, code)) for code in codes
    )
    return ["-".join(code[start : start + 4] for start in range(0, 16, 4)) for code in codes]


def _digest(account: User, code: str) -> str:
    # 80 random bits cannot be guessed from a hash that is quick, and the key of the site may be lost with the phone.
    return hashlib.sha256(f"{account.pk}:{code}".encode()).hexdigest()
