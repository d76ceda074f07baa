"""Settings of a site with a made-up app: those of the tests, and one line."""

from __future__ import annotations

import os

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.plugin_app"]

# A database of its own, beside that of the run which starts this one.
DATABASES["default"]["TEST"] = {"NAME": f"test_plugin_{os.getpid()}"}
