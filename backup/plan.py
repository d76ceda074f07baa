"""The plan of a backup, built by a pure function."""

from __future__ import annotations

from backup import files, manifest, opaque, question_banks, steps, target_layout
from backup.context import BackupContext
from jobs.plan import Plan, Step, Task


def build() -> Plan[BackupContext]:
    """Return the plan of a backup. The content comes first, as people and files need its references.

    The manifest is the last member, as it has the digests of all others.
    """
    return Plan(
        (
            Task(
                "Content",
                (
                    Step("Choose the layout", target_layout.choose_layout),
                    Step("Find the people", steps.find_people),
                    Step("Write the course", steps.write_course),
                    Step("Write the sections", steps.write_sections),
                    Step("Write the activities", steps.write_activities),
                    Step("Write the blocks", steps.write_blocks),
                    Step("Write what is kept as it came", opaque.write_opaque),
                ),
            ),
            Task(
                "What it refers to",
                (
                    Step("Find the questions", question_banks.find_banks),
                    Step("Write groups and what else is shared", steps.write_shared),
                    Step("Write enrolments and roles", steps.write_members_of_course),
                    Step("Write people and roles", steps.write_people),
                    Step("Write the files", files.write_files),
                    Step("Write the references", files.write_references),
                    Step("Complete the archive", opaque.write_empty),
                    Step("Write the manifest", manifest.write_manifest),
                    Step("Report what stays away", opaque.report_left_out),
                ),
            ),
        )
    )
