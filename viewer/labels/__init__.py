"""Labels: what people call the columns of records, by the names that the format gives them."""

from __future__ import annotations

from viewer.labels.records import RECORDS
from viewer.labels.settings import SETTINGS

LABELS = {**SETTINGS, **RECORDS}
