"""Plans: an operation as tasks of steps, and `execute()`, the one loop that runs them.

A pure function builds a plan, so that it can be shown without being run. A step is a generator: at each yield progress is
reported and a cancellation is raised, and no step has code for either.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from archive.findings import Finding
from jobs.events import Event, Line, Progress

State = TypeVar("State")
StepEvent = int | Finding | Line
"""An event of a step: the number of records since its last yield, a finding, or a line for the log."""


@dataclass(frozen=True, slots=True)
class Step(Generic[State]):
    """A name for people, and the generator function that does the step with the state of the operation."""

    name: str
    run: Callable[[State], Iterator[StepEvent]]


@dataclass(frozen=True, slots=True)
class Task(Generic[State]):
    """Steps that belong together, under a name for people."""

    name: str
    steps: tuple[Step[State], ...]


@dataclass(frozen=True, slots=True)
class Plan(Generic[State]):
    """Tasks in the order in which they are run."""

    tasks: tuple[Task[State], ...]

    def lines(self) -> Iterator[str]:
        """Yield the plan as lines for people: one for each task, and below it, indented, one for each step."""
        for task in self.tasks:
            yield task.name
            yield from (f"  {step.name}" for step in task.steps)


def execute(
    *parts: tuple[Plan[State], AbstractContextManager[Any]], state: State
) -> Generator[Event, None, None]:
    """Run the steps of the plans in order, each plan inside its context manager; yield progress, findings and lines.

    `done` and `total` of the progress count steps. An error of a step leaves through the context manager, so that a
    transaction is rolled back.
    """
    total = sum(len(task.steps) for plan, _ in parts for task in plan.tasks)
    number = records = 0
    for plan, context in parts:
        with context:
            for step in (step for task in plan.tasks for step in task.steps):
                yield Progress(step.name, number, total, records)
                for event in step.run(state):
                    if isinstance(event, int):
                        records += event
                        yield Progress(step.name, number, total, records)
                    else:
                        yield event
                number += 1
                yield Progress(step.name, number, total, records)
