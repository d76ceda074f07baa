"""The site's settings in a home folder of the test run's own, which `tests/conftest.py` removes at the end.

Worker processes of pytest-xdist, and the site's own processes that a test starts, inherit the folder.
"""

from __future__ import annotations

import os
import tempfile

if "COURSEKEEP_TEST_HOME" not in os.environ:
    os.environ["COURSEKEEP_TEST_HOME"] = tempfile.mkdtemp(prefix=f"coursekeep-tests-{os.getpid()}-")
os.environ["COURSEKEEP_HOME"] = os.environ["COURSEKEEP_TEST_HOME"]
os.environ.setdefault("COURSEKEEP_EMBEDDED_FSYNC", "off")

from config.settings import *  # noqa: F403

# The real hasher is slow on purpose; what is tested here is not the hash.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Test processes that run side by side have databases of their own; so must their messages be.
CELERY_TASK_DEFAULT_QUEUE = os.environ.get("PYTEST_XDIST_WORKER", "celery")
