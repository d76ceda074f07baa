"""The settings of a site under chaos: a dead worker is noticed within seconds, and what was loose is swept soon."""

from __future__ import annotations

from config.settings import *  # noqa: F403

COURSEKEEP_JOB_HEARTBEAT_SECONDS = 0.5
COURSEKEEP_JOB_STALE_SECONDS = 5
COURSEKEEP_JOB_NOTIFY_SECONDS = 3
