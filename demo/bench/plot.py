"""Draws the seconds of backups and restores over the number of records, with those of Moodle beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

MOODLE = {"backup": ((18_218, 28.6),), "restore": ((18_218, 56.6),)}
"""Records and seconds of Moodle 4.5 with a forum of 10,000 posts (docs/performance.md, "Large courses")."""

COLOURS = {"backup": "#1f77b4", "restore": "#d62728"}


def draw(scaling: list[dict[str, Any]], path: Path) -> None:
    """Write the measurements of `demo.bench.scale` as an SVG, both axes logarithmic."""
    # Only the plot needs the library, and it is not among the requirements of the tests.
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "coursekeep"
    figure, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    for operation, colour in COLOURS.items():
        records = [one[operation]["records"] for one in scaling]
        seconds = [one[operation]["seconds"] for one in scaling]
        axes.loglog(records, seconds, "o-", color=colour, label=f"Coursekeep, {operation}")
        axes.loglog(*zip(*MOODLE[operation], strict=True), "x", color=colour, label=f"Moodle, {operation}")
    axes.set_xlabel("records")
    axes.set_ylabel("seconds")
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
