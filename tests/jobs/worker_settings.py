"""The settings of the workers that tests kill: their death is noticed within seconds."""

from __future__ import annotations

import os

from tests.settings import *  # noqa: F403
from tests.settings import QUEUE_OF_FILES, QUEUE_OF_REDIS

COURSEKEEP_JOB_HEARTBEAT_SECONDS = 0.5
COURSEKEEP_JOB_STALE_SECONDS = 3
COURSEKEEP_JOB_STUCK_SECONDS = float(os.environ.get("COURSEKEEP_TEST_STUCK", "1800"))

if os.environ.get("COURSEKEEP_TEST_BROKER"):
    CELERY_BROKER_URL = os.environ["COURSEKEEP_TEST_BROKER"]
    _of_files = CELERY_BROKER_URL.startswith("filesystem")
    CELERY_BROKER_TRANSPORT_OPTIONS = QUEUE_OF_FILES if _of_files else QUEUE_OF_REDIS
