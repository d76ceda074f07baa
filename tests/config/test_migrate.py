"""Grouped operations of migrations make the same tables as single ones."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from django.db import connection, migrations, models
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from config.migrate import OperationGroup, grouped

LABEL = "elsewhere"


def operations() -> list[Operation]:
    """Two kinds that hang on each other, with all that a table can have."""
    key = ("id", models.BigAutoField(primary_key=True))
    return [
        migrations.CreateModel("House", [key, ("name", models.CharField(max_length=20, unique=True))]),
        migrations.CreateModel(
            "Room",
            [
                key,
                ("house", models.ForeignKey(f"{LABEL}.House", models.CASCADE)),
                ("size", models.IntegerField()),
            ],
        ),
        migrations.AddField("House", "best", models.ForeignKey(f"{LABEL}.Room", models.SET_NULL, null=True)),
        migrations.AddField(
            "House", "doors", models.ManyToManyField(f"{LABEL}.Room", related_name="doors_of")
        ),
        migrations.AddIndex("Room", models.Index(fields=["size"], name="by_size")),
        migrations.AddConstraint(
            "Room", models.CheckConstraint(condition=models.Q(size__gt=0), name="has_size")
        ),
        migrations.RunSQL("SELECT 1", migrations.RunSQL.noop),
    ]


def made_by(steps: Iterable[Operation]) -> set[tuple[object, ...]]:
    """Every column, index and constraint of the tables that the operations make; they are gone again afterwards."""

    class Made(migrations.Migration):
        operations = list(steps)

    with connection.schema_editor() as editor:
        state = Made("0001", LABEL).apply(ProjectState(), editor)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, data_type, is_nullable, character_maximum_length"
            " FROM information_schema.columns WHERE table_name LIKE 'elsewhere%'"
            " UNION ALL SELECT tablename, indexname, indexdef, '', 0 FROM pg_indexes WHERE tablename LIKE 'elsewhere%'"
            " UNION ALL SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', 0"
            " FROM pg_constraint WHERE conrelid::regclass::text LIKE 'elsewhere%'"
        )
        found = set(cursor.fetchall())
        names = ", ".join(model._meta.db_table for model in state.apps.get_models(include_auto_created=True))
        cursor.execute(f"DROP TABLE {names} CASCADE")
    return found


def test_runs_of_one_independent_kind_are_taken_together_in_their_order() -> None:
    taken = grouped(operations())
    kinds = [type(step).__name__ for step in taken]
    assert kinds == ["OperationGroup", "OperationGroup", "AddIndex", "AddConstraint", "RunSQL"]
    assert isinstance(taken[0], OperationGroup)
    models_made = [step for step in taken[0].operations if isinstance(step, migrations.CreateModel)]
    assert [step.name for step in models_made] == ["House", "Room"]
    assert len(models_made) == len(taken[0].operations)


@pytest.mark.django_db(transaction=True)
def test_the_tables_are_the_same_as_one_by_one() -> None:
    one_by_one = made_by(operations())
    assert len(one_by_one) > 15
    assert made_by(grouped(operations())) == one_by_one
