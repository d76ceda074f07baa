"""Labels: names for people of the columns of records, by the column's name in the format."""

from __future__ import annotations

from viewer.labels.records import RECORDS
from viewer.labels.settings import SETTINGS

LABELS = {**SETTINGS, **RECORDS}
