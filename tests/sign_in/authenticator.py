"""An authenticator app for tests: the code that a phone shows for a secret."""

from __future__ import annotations

from itertools import count

from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from courses.models import User

KEY = "0123456789abcdef0123456789abcdef01234567"


def shown(key: str = KEY, *, steps: int = 0) -> str:
    """Return the code that the app shows, or showed or will show some steps of 30 seconds from now."""
    return f"{totp(bytes.fromhex(key), 30, int(-steps * 30)):06}"


def wrong(key: str = KEY) -> str:
    """Return a code that is not shown around now."""
    near = {shown(key, steps=steps) for steps in range(-3, 4)}
    return next(code for code in (f"{number:06}" for number in count()) if code not in near)


def with_device(account: User) -> TOTPDevice:
    """Give an account a device, set up some time ago."""
    return TOTPDevice.objects.create(user=account, name="app", key=KEY, confirmed=True)


def moments_later(device: TOTPDevice) -> None:
    """Let the time pass that a device waits after wrong codes."""
    TOTPDevice.objects.filter(pk=device.pk).update(throttling_failure_timestamp=None)
