"""Django's field classes as base classes of our own.

For the type checker they have two parameters, the types of what is set and of what is got; Django's classes take
none at run time, so the parameters are given here, once, and only to the type checker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    BigIntegerField = models.BigIntegerField[Any, Any]
    CharField = models.CharField[Any, Any]
    DecimalField = models.DecimalField[Any, Any]
    FloatField = models.FloatField[Any, Any]
    ForeignKey = models.ForeignKey[Any, Any]
    TextField = models.TextField[Any, Any]
    FieldOfMixin = models.Field[Any, Any]
else:
    BigIntegerField = models.BigIntegerField
    CharField = models.CharField
    DecimalField = models.DecimalField
    FloatField = models.FloatField
    ForeignKey = models.ForeignKey
    TextField = models.TextField
    # A mixin stands before one of the classes above, and is no field by itself.
    FieldOfMixin = object

__all__ = [
    "BigIntegerField",
    "CharField",
    "DecimalField",
    "FieldOfMixin",
    "FloatField",
    "ForeignKey",
    "TextField",
]
