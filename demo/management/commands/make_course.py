"""The command `make_course`: make a sample course with people and their work, for demonstrations and benchmarks."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand
from tqdm import tqdm

from demo.samples import SIZES, Progress, make_forum, make_sample

LARGEST_FORUM = 10_000_000


class Command(BaseCommand):
    """`manage.py make_course`: make a course of one of the sizes, or with `--forum-posts` a course of one large forum."""

    help = "Make a sample course with people and their work. The same seed gives the same course and the same people."

    def add_arguments(self, parser: ArgumentParser) -> None:
        course = parser.add_mutually_exclusive_group()
        about = ", ".join(f"{size.name} {size.records:,}" for size in SIZES.values())
        course.add_argument(
            "--size", choices=tuple(SIZES), default="S", help=f"about so many records: {about}"
        )
        course.add_argument(
            "--forum-posts",
            type=number_of_posts,
            metavar="N",
            help="one forum of exactly N posts, half of them rated",
        )
        parser.add_argument(
            "--seed", type=int, default=1, help="another number gives another course and other people"
        )
        parser.add_argument(
            "--json",
            action="store_true",
            help="print one JSON object on standard output, and nothing else there",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        size, forum, seed = options["size"], options["forum_posts"], options["seed"]
        about = forum * 3 // 2 if forum else SIZES[size].records
        with tqdm(
            desc="Making", total=about, unit=" records", file=sys.stderr, disable=None, leave=False
        ) as bar:
            progress: Progress = bar.update
            made = (
                make_forum(forum, seed=seed, progress=progress)
                if forum
                else make_sample(size, seed=seed, progress=progress)
            )
        if options["json"]:
            self.stdout.write(json.dumps(asdict(made), ensure_ascii=False))
            return
        self.stdout.write(
            f"Made course {made.course_id}, “{made.fullname}” ({made.shortname}): {made.records:,} records,"
            f" {made.files:,} files, {made.people:,} people, {made.activities:,} activities, in {made.seconds:.1f} s."
        )


def number_of_posts(text: str) -> int:
    """Return the number of posts in an argument. Raises ArgumentTypeError if it is out of range."""
    if not text.isdigit() or not 0 < int(text) <= LARGEST_FORUM:
        raise ArgumentTypeError(f"should be a number from 1 to {LARGEST_FORUM:,}, and is {text!r}")
    return int(text)
