"""The report of `bin/bench` says what was measured, and nothing of what was not."""

from __future__ import annotations

from demo.bench.report import lines

ORDINARY = {
    "rich": {"backup": 0.3, "restore": 0.8},
    "small": {
        "backup": {"seconds": 0.125, "an_hour": 57_600.0},
        "restore": {"seconds": 0.25, "an_hour": 28_800.0},
    },
    "workers": 2,
}
NOTHING = {"rounds": 2, "subjects": [], "statements": {}, "scaling": {}}


def test_only_ordinary_courses_are_reported_if_only_these_were_measured() -> None:
    said = list(lines({**NOTHING, "ordinary": ORDINARY}))
    assert len(said) == 3
    assert "backup 0.30 s, restore 0.80 s" in said[0]
    assert "backup 0.125 s each, 57,600 an hour" in said[1]
    assert "restore 0.250 s each, 28,800 an hour" in said[2]


def test_without_large_archives_the_report_says_so() -> None:
    assert list(lines({**NOTHING, "skipped": "They are not here."})) == ["They are not here."]
