"""Models of sign-in: counters of attempts, identities at providers, and recovery codes."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from courses.models import User


class SignInCounter(models.Model):
    """The attempts to sign in that failed, since a moment, for one account, one address, or both together.

    `key` is a keyed hash, so that the table tells nobody who tried from where.
    """

    key = models.CharField(max_length=64, primary_key=True)
    failures = models.PositiveIntegerField()
    since = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["since"])]

    def __str__(self) -> str:
        return f"{self.failures} since {self.since:%Y-%m-%d %H:%M}"


class Identity(models.Model):
    """An account's identity at a provider: `subject` is the stable id there, which is never given to somebody else.

    `provider` is the issuer of OpenID Connect, or `ldap`. An account has one identity at each provider.
    """

    provider = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)
    account = models.ForeignKey(User, on_delete=models.CASCADE, related_name="identities")
    linked = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "identities"
        constraints = [
            models.UniqueConstraint(fields=["provider", "subject"], name="one_account_an_identity"),
            models.UniqueConstraint(fields=["account", "provider"], name="one_identity_a_provider"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} at {self.provider}"


class RecoveryCode(models.Model):
    """The hash of a code that stands once for a second factor that is lost. A code that was used has no row any more."""

    account = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "digest"], name="recovery_code_once")]

    def __str__(self) -> str:
        return f"recovery code of {self.account}"
