"""The report of `bin/bench` says what was measured, and nothing of what was not."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from demo.bench.__main__ import sizes
from demo.bench.report import lines
from tests.conftest import PROJECT

ORDINARY = {
    "rich": {"backup": {"seconds": 0.3, "job": 0.25}, "restore": {"seconds": 0.8, "job": 0.7}},
    "small": {
        1: {
            "backup": {"seconds": 0.1, "job": 0.08, "an_hour": 36_000.0},
            "restore": {"seconds": 0.2, "job": 0.15, "an_hour": 18_000.0},
        },
        2: {
            "backup": {"seconds": 0.125, "job": 0.1, "an_hour": 57_600.0},
            "restore": {"seconds": 0.25, "job": 0.2, "an_hour": 28_800.0},
        },
    },
}
NOTHING = {"rounds": 2, "subjects": [], "statements": {}, "scaling": []}


def test_only_ordinary_courses_are_reported_if_only_these_were_measured() -> None:
    said = list(lines({**NOTHING, "ordinary": ORDINARY}))
    assert len(said) == 5
    assert "backup 0.30 s (the job 0.25), restore 0.80 s (the job 0.70)" in said[0]
    assert "1 process: backup 0.100 s each (the job 0.080), 36,000 an hour" in said[1]
    assert "1 process: restore 0.200 s each (the job 0.150), 18,000 an hour" in said[2]
    assert "2 processes at once: backup 0.125 s each (the job 0.100), 57,600 an hour" in said[3]
    assert "2 processes at once: restore 0.250 s each (the job 0.200), 28,800 an hour" in said[4]


def test_a_course_of_media_is_told_beside_copying_it() -> None:
    media = {"bytes": 2_000_000_000, "backup": 4.0, "floor": 2.5, "peak": 90_000_000}
    (said,) = lines({**NOTHING, "media": media})
    assert "2,000 MB of media: backup 4.00 s, 500 MB a second" in said
    assert "2.50 s, ratio 1.60; peak 90 MB" in said


def test_without_large_archives_the_report_says_so() -> None:
    assert list(lines({**NOTHING, "skipped": "They are not here."})) == ["They are not here."]


def test_courses_of_ten_times_as_many_posts_are_told_for_each_million_records() -> None:
    one = {"records": 500_000, "seconds": 4.0, "cpu": 5.0, "peak": 90_000_000}
    row = list(lines({**NOTHING, "scaling": [{"posts": 100_000, "backup": one, "restore": one}]}))[-1]
    assert row.split() == ["100,000", "500,000", "4.00", "8.00", "90", "4.00", "8.00", "90"]


def test_the_courses_are_as_large_as_asked_for_at_most() -> None:
    assert list(sizes(1_500_000)) == [10_000, 100_000, 1_000_000]


def test_a_process_waits_at_a_barrier_for_the_others(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from demo.bench.operations import barrier;"
        " barrier(Path(sys.argv[1]), 'here', 2); print(time.time())"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    first = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT, env=environment)
    while not list(tmp_path.glob("here-*")):
        assert first.poll() is None
        time.sleep(0.01)
    began = time.time()
    subprocess.run(command, capture_output=True, text=True, check=True, cwd=PROJECT, env=environment)
    said, _ = first.communicate(timeout=60)
    assert float(said) >= began


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "scale"], "need --up-to"),
        (["--plot", "a.svg"], "need --up-to"),
        (["--up-to", "5000"], "from 10,000 on"),
        (["--only", "quiz", "--up-to", "10000"], "no --only but scale"),
        (["--up-to", "10000", "--plot", "no/such/folder/a.svg"], "no folder"),
    ],
)
def test_options_that_would_measure_nothing_are_refused(arguments: list[str], said: str) -> None:
    command = [sys.executable, "-m", "demo.bench", *arguments]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (done.returncode, said in done.stderr) == (2, True)
