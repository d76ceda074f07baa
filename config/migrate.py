"""Runs migrations faster, by grouping operations.

Before each operation Django renders again every model that is related to the changed one. With 250 models, most of them
related to the course or the activity, making the tables of a new site takes half a minute of computing this way.
Consecutive operations of one class that do not depend on the state between them are therefore grouped: the state moves
forward over all of them, is rendered once, and then each operation changes the database.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import AddConstraint, AddField, AddIndex, CreateModel, Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

INDEPENDENT = (CreateModel, AddField, AddIndex, AddConstraint)
"""Operations that only add: none reads what an earlier operation of its class has changed."""


class OperationGroup(Operation):
    """A group of operations of one class, run as one operation; not for migration files, and only forwards."""

    reversible = False

    def __init__(self, operations: Iterable[Operation]) -> None:
        self.operations = list(operations)

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Move the state forward over all operations without rendering models; they are rendered when next needed."""
        state.__dict__.pop("apps", None)
        for operation in self.operations:
            operation.state_forwards(app_label, state)

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Run each operation in order, from the state before the first to the state after the last."""
        for operation in self.operations:
            operation.database_forwards(app_label, schema_editor, from_state, to_state)

    def describe(self) -> str:
        """Return the descriptions of all operations."""
        return "; ".join(operation.describe() for operation in self.operations)


def grouped(operations: Iterable[Operation]) -> list[Operation]:
    """Return the operations in order, with consecutive ones of one class in `INDEPENDENT` grouped."""
    grouped_operations: list[Operation] = []
    for operation_class, group in groupby(operations, key=type):
        alike = list(group)
        grouped_operations += (
            [OperationGroup(alike)] if operation_class in INDEPENDENT and len(alike) > 1 else alike
        )
    return grouped_operations


class GroupingExecutor(MigrationExecutor):
    """Django's executor, which groups the operations of each migration."""

    def apply_migration(
        self, state: ProjectState, migration: Migration, *args: Any, **options: Any
    ) -> ProjectState:
        """Apply one migration forwards. Operations are not grouped for `fake` and `fake_initial`."""
        if options.get("fake") or options.get("fake_initial"):
            return super().apply_migration(state, migration, *args, **options)
        setattr(migration, "operations", grouped(migration.operations))  # noqa: B010  # the instance's own list
        return super().apply_migration(state, migration, *args, **options)
