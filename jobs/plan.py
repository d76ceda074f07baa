"""Plans: what an operation will do, as tasks of steps, and the one loop that does it.

A plan is built by a pure function, so that it can be shown without being run. A step is a generator: each yield is where
progress is told, the heart beats and a cancellation arrives; no step knows of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from archive.findings import Finding
from jobs.events import Event, Line, Progress

State = TypeVar("State")
StepEvent = int | Finding | Line
"""A step tells how many more records it has done, or something for the log."""


@dataclass(frozen=True, slots=True)
class Step(Generic[State]):
    """One thing to do: its name for people, and the generator function that does it."""

    name: str
    run: Callable[[State], Iterator[StepEvent]]


@dataclass(frozen=True, slots=True)
class Task(Generic[State]):
    """Steps that belong together."""

    name: str
    steps: tuple[Step[State], ...]


@dataclass(frozen=True, slots=True)
class Plan(Generic[State]):
    """What will be done, in this order."""

    tasks: tuple[Task[State], ...]

    def lines(self) -> Iterator[str]:
        """The plan for people, a line a step."""
        for task in self.tasks:
            yield task.name
            yield from (f"  {step.name}" for step in task.steps)


def execute(*parts: tuple[Plan[State], AbstractContextManager[Any]], state: State) -> Iterator[Event]:
    """Runs the steps of the plans in their order, each plan inside its context, and tells how far they are.

    What a step raises goes through the context to the caller, so that a transaction is rolled back.
    """
    total = sum(len(task.steps) for plan, _ in parts for task in plan.tasks)
    number = records = 0
    for plan, context in parts:
        with context:
            for step in (step for task in plan.tasks for step in task.steps):
                yield Progress(step.name, number, total, records)
                for told in step.run(state):
                    if isinstance(told, int):
                        records += told
                        yield Progress(step.name, number, total, records)
                    else:
                        yield told
                number += 1
                yield Progress(step.name, number, total, records)
