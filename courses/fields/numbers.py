"""Numbers: integers, moments, decimals and floats."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any, ClassVar

from django.db import models

from archive.numbers import whole
from courses.fields.base import ArchiveField, FieldError, Parse, Reading
from courses.fields.django_fields import BigIntegerField, DecimalField, FloatField

WHOLE = re.compile(r"\s*\+?(-?[0-9]{1,19})(?:\.0*)?\s*\Z", re.ASCII)
POWER = re.compile(r"\s*[+-]?[0-9]{1,19}(?:\.[0-9]{1,19})?[eE]\+?[0-9]{1,2}\s*\Z", re.ASCII)
ROUGH = re.compile(
    r"\s*[+-]?(?:[0-9]{1,100}\.?[0-9]{0,100}|\.[0-9]{1,100})(?:[eE][+-]?[0-9]{1,2})?\s*\Z", re.ASCII
)


def integer(text: str) -> str:
    """Return the digits of an integer that fits 64 bits; "0" for an empty text. Raises FieldError for other texts.

    Blanks around it, a fraction of zero (`100.00`) and a power of ten (`1.5E+3`) are read too, if the number is whole.
    """
    if text.isdigit() and len(text) < 19 and text.isascii():
        return text
    if whole(text) is not None:
        return text
    if text.strip() == "":
        return "0"
    if (match := WHOLE.match(text)) and match[0] != match[1]:  # columns that were decimal once: 100.00000
        return integer(match[1])
    if POWER.match(text) and (number := Decimal(text.strip())) == number.to_integral_value():
        return integer(str(int(number)))
    raise FieldError(f"should be a whole number, and is {text[:40]!r}")


def digits_or_text(text: str | None) -> str:
    """Return the digits that a column of integers stores for a text; the text itself if the column refuses it.

    What is decided by the number of a neighbour is decided by the number that is stored.
    """
    try:
        return integer(text or "")
    except FieldError:
        return text or ""


def plain_number(text: str) -> str:
    """Return `digits_or_text` of an attribute; an empty one, which is no id, is unchanged."""
    return digits_or_text(text) if text.strip() else text


class Int(ArchiveField, BigIntegerField):
    """A whole number of 64 bits; the default is 0, or NULL if the column allows it."""

    kept: ClassVar[bool] = True

    def __init__(self, *args: Any, **options: Any) -> None:
        if not options.get("null"):
            options.setdefault("default", 0)
        super().__init__(*args, **options)

    def parser(self, reading: Reading) -> Parse:
        return integer


LATEST_MOMENT = 2**63 - 1
"""The latest moment that a column holds."""


def moved_moment(moment: int, shift: int) -> int:
    """Return a time in seconds since 1970, moved by `shift` seconds; 0 and less is not set and stays.

    What would lie after LATEST_MOMENT stays too: it stands for never, and no column holds it when it has moved.
    """
    return moment + shift if 0 < moment <= LATEST_MOMENT - shift else moment


class Moment(Int):
    """A time in seconds since 1970; 0 is not set. With `shifts` it moves with the course's start date."""

    kept: ClassVar[bool] = True

    def __init__(self, *args: Any, shifts: bool = False, **options: Any) -> None:
        self.shifts = shifts
        super().__init__(*args, **options)

    def parser(self, reading: Reading) -> Parse:
        if not self.shifts or not reading.shift:
            return integer
        shift = reading.shift

        def moved(text: str) -> str:
            return str(moved_moment(int(integer(text)), shift))

        return moved


class Number(ArchiveField, DecimalField):
    """A decimal number of `max_digits` digits, `decimal_places` of them after the point."""

    kept: ClassVar[bool] = True

    DECIMAL = re.compile(r"-?([0-9]{1,100})(?:\.([0-9]{1,100}))?\Z")

    def parser(self, reading: Reading) -> Parse:
        digits, places = self.max_digits - self.decimal_places, self.decimal_places
        # A value that the database would round up to one digit more does not fit either.
        limit = Decimal(f"{'9' * digits}.{'9' * places}5")

        empty = self.missing() if self.default is not models.NOT_PROVIDED else None

        def decimal(text: str) -> str | None:
            match = self.DECIMAL.match(text)
            if match is None and (plain := _plain_decimal(text)) is not None:
                return decimal(plain)
            if match is None and text.strip() == "" and (self.null or empty is not None):
                return empty
            if match is None:
                raise FieldError(f"should be a number, and is {text[:40]!r}")
            rounded = len(match[2] or "") > places and abs(Decimal(text)) >= limit
            if rounded or len(match[1].lstrip("0")) > digits:
                raise FieldError(f"has more than {digits} digits before the point")
            return text

        return decimal


def _plain_decimal(text: str) -> str | None:
    """Return a decimal number with digits before and after its point, without blanks and exponent; None if it is written so
    already or is none."""
    if not ROUGH.match(text):
        return None
    plain = f"{Decimal(text.strip()):f}"
    return None if plain == text else plain


class Real(ArchiveField, FloatField):
    """A floating-point number of double precision."""

    kept: ClassVar[bool] = True

    REAL = re.compile(r"[+-]?([0-9]{1,30}\.?[0-9]{0,30}|\.[0-9]{1,30})([eE][+-]?[0-9]{1,3})?\Z", re.ASCII)

    def __init__(self, *args: Any, **options: Any) -> None:
        if not options.get("null"):
            options.setdefault("default", 0)
        super().__init__(*args, **options)

    def parser(self, reading: Reading) -> Parse:
        def real(text: str) -> str | None:
            text = text.strip()
            if text == "":
                return self.missing()
            if not self.REAL.match(text):
                raise FieldError(f"should be a number, and is {text[:40]!r}")
            number = float(text)
            if math.isinf(number) or (number == 0 and text.strip("+-0.")[:1] not in ("", "e", "E")):
                raise FieldError(f"should be a number that a computer can keep, and is {text[:40]!r}")
            return text

        return real
