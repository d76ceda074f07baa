"""The site's settings in a home folder of the test run's own, which `tests/conftest.py` removes at the end.

Each process of pytest-xdist has a part of it to itself, with a database server and a queue of its own, and so have the
site's own processes that a test starts: they inherit what the environment says.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

if "COURSEKEEP_TEST_HOME" not in os.environ:
    os.environ["COURSEKEEP_TEST_HOME"] = tempfile.mkdtemp(prefix=f"coursekeep-tests-{os.getpid()}-")
_part = os.environ.get("PYTEST_XDIST_WORKER", "main")
os.environ["COURSEKEEP_HOME"] = str(Path(os.environ["COURSEKEEP_TEST_HOME"]) / _part)
os.environ.setdefault("COURSEKEEP_EMBEDDED_FSYNC", "off")
# The variables of a developer's own site are not those of the tests.
os.environ.setdefault("COURSEKEEP_ENV_FILE", os.devnull)

from config.settings import *  # noqa: E402, F403
from config.settings import REDIS_URL  # noqa: E402

if REDIS_URL and _part != "main":
    # Redis has 16 databases; the process called gw3 takes the fourth.
    REDIS_URL = CELERY_BROKER_URL = f"{REDIS_URL.rpartition('/')[0]}/{int(_part.removeprefix('gw')) % 16}"

# The real hasher is slow on purpose; what is tested here is not the hash.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# A test has several clients, and each has middleware of its own: to list all static files took it longer than most pages.
WHITENOISE_AUTOREFRESH = True
