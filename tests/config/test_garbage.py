"""Commands and workers collect cycles seldom, and never look through the modules that they have imported."""

from __future__ import annotations

import json
import subprocess
import sys

from config.garbage import NEW_OBJECTS
from tests.conftest import PROJECT

SAYS = "import gc, json; print(json.dumps([gc.isenabled(), gc.get_threshold()[0], gc.get_freeze_count() > 1000]))"


def said(code: str) -> object:
    command = [sys.executable, "-c", f"{code}\n{SAYS}"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_a_process_that_collects_seldom_collects_all_the_same() -> None:
    code = "import gc; gc.disable(); from config.garbage import collect_seldom; collect_seldom()"
    assert said(code) == [True, NEW_OBJECTS, True]


def test_a_command_and_a_worker_collect_seldom() -> None:
    command = (
        "from config.command_line import SiteUtility; SiteUtility(['manage.py']).fetch_command('backup')"
    )
    worker = "from config.celery import begin_worker; begin_worker()"
    for code in (command, worker):
        start = "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.settings'; import django; django.setup()"
        assert said(f"{start}; {code}") == [True, NEW_OBJECTS, True]
