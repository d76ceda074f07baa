"""A workshop: people hand in work and assess other people's, by one of four grading strategies."""

import importlib

# The models stand in an archive in the order of their declaration, and the dimensions have to come before the grades.
for _part in ("activity", "strategies", "settings", "examples", "submissions", "grades"):
    importlib.import_module(f"{__name__}.{_part}")
