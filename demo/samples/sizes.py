"""The sizes of sample courses: counts of people, sections, activities and contents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

EACH_ONCE = dict.fromkeys(
    ("label", "page", "url", "resource", "folder", "book", "forum", "assign", "choice", "glossary"), 1
)


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a sample course; `records` is the approximate sum.

    `people` include teachers, `activities` are by type, `discussions` is for all forums together, `posts` is per discussion,
    `entries` per glossary, `chapters` per book; `contents` is the number of different contents of handed-in files.
    """

    name: str
    records: int
    people: int
    sections: int
    discussions: int
    posts: int
    entries: int
    chapters: int
    contents: int
    activities: Mapping[str, int] = field(default_factory=lambda: EACH_ONCE)


SIZES: Mapping[str, Size] = {
    size.name: size
    for size in (
        Size("XS", 150, people=4, sections=2, discussions=1, posts=6, entries=2, chapters=3, contents=2),
        Size(
            "S",
            1_500,
            people=36,
            sections=6,
            discussions=16,
            posts=10,
            entries=12,
            chapters=6,
            contents=24,
            activities={
                **EACH_ONCE,
                "label": 3,
                "page": 5,
                "url": 3,
                "resource": 4,
                "folder": 2,
                "book": 2,
                "forum": 3,
                "assign": 3,
                "choice": 2,
            },
        ),
        Size(
            "M",
            20_000,
            people=240,
            sections=10,
            discussions=245,
            posts=20,
            entries=60,
            chapters=12,
            contents=80,
            activities={
                **EACH_ONCE,
                "label": 8,
                "page": 20,
                "url": 10,
                "resource": 12,
                "folder": 5,
                "book": 4,
                "forum": 6,
                "assign": 6,
                "choice": 4,
                "glossary": 2,
            },
        ),
        Size(
            "L",
            200_000,
            people=1_000,
            sections=20,
            discussions=2_450,
            posts=30,
            entries=300,
            chapters=20,
            contents=200,
            activities={
                **EACH_ONCE,
                "label": 20,
                "page": 60,
                "url": 30,
                "resource": 30,
                "folder": 10,
                "book": 8,
                "forum": 12,
                "assign": 8,
                "choice": 6,
                "glossary": 3,
            },
        ),
        Size(
            "XL",
            1_000_000,
            people=3_000,
            sections=30,
            discussions=8_700,
            posts=50,
            entries=1_000,
            chapters=30,
            contents=400,
            activities={
                **EACH_ONCE,
                "label": 30,
                "page": 100,
                "url": 50,
                "resource": 50,
                "folder": 15,
                "book": 12,
                "forum": 20,
                "assign": 8,
                "choice": 8,
                "glossary": 4,
            },
        ),
    )
}
