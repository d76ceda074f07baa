"""Migrations in fewer, larger strides.

Before each operation Django renders anew every model that is related to the changed one. With 250 models that mostly
hang on two (the course, the activity), making the tables of a new site this way costs half a minute of computing.
Operations of one kind that follow each other and do not depend on the state between them are therefore taken
together: the state moves on over all of them, is rendered once, and then each does its work in the database.
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
"""What only adds: none of these reads what one of its kind before it has changed."""


class Stride(Operation):
    """Several operations of one kind as one; not for migration files, and only forwards."""

    reversible = False

    def __init__(self, operations: Iterable[Operation]) -> None:
        self.operations = list(operations)

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Move on over all of them with no models rendered; they are rendered again when they are asked for."""
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
        """Each in its turn, between the state before the first and the state after the last."""
        for operation in self.operations:
            operation.database_forwards(app_label, schema_editor, from_state, to_state)

    def describe(self) -> str:
        """All of their descriptions."""
        return "; ".join(operation.describe() for operation in self.operations)


def strides(operations: Iterable[Operation]) -> list[Operation]:
    """The operations in their order, runs of one independent kind taken together."""
    taken: list[Operation] = []
    for kind, group in groupby(operations, key=type):
        alike = list(group)
        taken += [Stride(alike)] if kind in INDEPENDENT and len(alike) > 1 else alike
    return taken


class Executor(MigrationExecutor):
    """Django's executor, with the operations of each migration in strides."""

    def apply_migration(
        self, state: ProjectState, migration: Migration, *args: Any, **options: Any
    ) -> ProjectState:
        """Apply one migration forwards; what Django looks up in its operations it finds before they are grouped."""
        if options.get("fake") or options.get("fake_initial"):
            return super().apply_migration(state, migration, *args, **options)
        setattr(migration, "operations", strides(migration.operations))  # noqa: B010  # the instance's own list
        return super().apply_migration(state, migration, *args, **options)
