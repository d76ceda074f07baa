"""The settings of a site whose year is simulated: connections find the clock of `demo/year/clock.py` first."""

from __future__ import annotations

from config.settings import *  # noqa: F403
from config.settings import DATABASES, LOGGING

DATABASES["default"]["OPTIONS"]["options"] = "-c search_path=public,pg_catalog"
CONN_HEALTH_CHECKS = False

COURSEKEEP_NOTIFY_WORKERS = "demo.year.night.no_message"
"""No message goes to workers: the only one looks for jobs by itself."""

EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
EMAIL_IS_SET = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Much of what fails in these nights is meant to fail: the errors are counted, and are a part of the report.
LOGGING["handlers"] = {"stderr": {"class": "demo.year.logged.LoggedErrors", "level": "ERROR"}}
