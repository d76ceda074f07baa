"""The plan of a restore, built by a pure function."""

from __future__ import annotations

from archive.manifest import Manifest
from jobs.plan import Plan, Step, Task
from restore import (
    blocks,
    course_names,
    files,
    opaque,
    people,
    question_banks,
    sections,
    steps,
    target_course,
    unmapped_settings,
)
from restore.context import RestoreContext


def build(
    manifest: Manifest, *, with_people: bool, with_files: bool
) -> tuple[Plan[RestoreContext], Plan[RestoreContext]]:
    """Return the plan of what is done before the transaction, and that of what is done in it.

    Contents of files come before it: a rollback may leave them in the pool, where the sweep collects them.
    """
    pool = Task("Files", (Step("Store the contents of files", files.load_contents),)) if with_files else None
    wait = Step("Wait for other changes of the course", target_course.lock_target)
    people_steps = [wait, Step("Match the roles", people.load_roles)]
    if with_people:
        people_steps = [
            wait,
            Step("Match the people", people.match_people),
            *people_steps[1:],
            Step("Make the people", people.load_people),
        ]
    shared = "groups, enrolments and roles" if manifest.archive_type == "course" else "groups"
    course = (
        Step("Make the course" if manifest.archive_type == "course" else "Find the place", steps.load_course),
        Step(f"Read {shared}", steps.load_members_of_course),
    )
    inside = (
        Step("Read the sections", sections.load_sections),
        Step("Read the activities", steps.load_activities),
        Step("Read the blocks", blocks.load_blocks),
    )
    end = (
        Step("Name the files", steps.load_files),
        Step("Finish the records", steps.finish),
        Step("Give questions their place", question_banks.merge_banks),
        Step("Keep what stands beside people and roles", opaque.preserve_tops),
        Step("Put links right", opaque.decode_links),
        Step("Keep what is not described", opaque.preserve_members),
        Step("Look at settings of plugins", unmapped_settings.report_unmapped),
        Step("Name the course", course_names.name_course),
        Step("Leave out blocks that are there", blocks.leave_out_same_blocks),
    )
    before = Plan((pool,) if pool else ())
    return before, Plan(
        (
            Task("People", tuple(people_steps)),
            Task("Course", course),
            Task("Content", inside),
            Task("End", end),
        )
    )
