"""Write described members, those of one kind in one pass, while the first rows of the next kind are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from archive import xml
from backup.context import BackupContext
from backup.first_rows import CACHED
from backup.output import Output
from backup.render import Query, bares_people, queries
from backup.weave import Weaver
from courses import structure
from courses.fields import Rendering
from courses.structure import Element, Wrapper
from jobs.plan import StepEvent


@dataclass(frozen=True, slots=True)
class MemberTarget:
    """A member to write: the records of `owner`, at `path`, between the tags `start` and `end`.

    `referrer` is the owner that gets its references. `top` is the item type of its opaque elements beside the records
    (`layout.top`), which belong to `record`.
    """

    owner: int
    path: str
    start: str
    end: str
    referrer: str
    top: str = ""
    record: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """Members of one kind: with the same body, one for each target.

    `owner` is the element in whose records the body stands. The records are those of the targets' owners; if `listed`, those
    with `ids`. `people` are the owners whose userdata is exported (None: all). `only` are further SQL conditions by tag, with
    `parameters`; `skipped` are the options that are off (None: as in the whole archive); `of_people` says that records of
    people come only if these are needed.
    """

    body: tuple[Wrapper | Element, ...]
    targets: Sequence[MemberTarget]
    owner: Element | None = None
    ids: list[int] | None = None
    people: list[int] | None = None
    depth: int = 1
    listed: bool = False
    parameters: Mapping[str, list[int]] = field(default_factory=dict)
    only: Mapping[str, str] = field(default_factory=dict)
    skipped: frozenset[str] | None = None
    of_people: bool = False


def write_members(context: BackupContext, kinds: Iterable[Members]) -> Iterator[StepEvent]:
    """Write members, kind by kind; none may depend on what is written of those before it. Yields numbers of new records.

    Targets with an opaque member at their path stay out.
    """
    begun = (one for kind in kinds if (one := _begin(context, kind)) is not None)
    current = next(begun, None)
    while current is not None:
        following = next(begun, None)
        yield from _write_kind(context, current)
        current = following


@dataclass(frozen=True, slots=True)
class _Begun:
    """Members whose rows are being read, with the targets in the order of their owners' ids.

    `with_userdata` are the owners whose userdata is exported, `tops` the opaque elements of the members by record.
    """

    targets: Sequence[MemberTarget]
    weaver: Weaver
    with_userdata: set[int]
    tops: Mapping[int, str]


def _begin(context: BackupContext, members: Members) -> _Begun | None:
    """Ask for the rows of members; None if there are no members."""
    coming = (target for target in members.targets if target.path not in context.opaque.paths)
    targets = sorted(coming, key=lambda one: one.owner)
    if not targets:
        return None
    owners = [target.owner for target in targets]
    people = owners if members.people is None else members.people
    userdata_owners = people if context.selection.people else []
    weaver = Weaver(
        _compiled(
            members.body,
            owner=members.owner,
            rendering=context.rendering,
            opaque=context.opaque.item_types & _item_types(members.body),
            depth=members.depth,
            listed=members.listed,
            only=frozenset(members.only.items()),
            skipped=context.selection.options_off if members.skipped is None else members.skipped,
            of_people=members.of_people and context.needed_people is not None,
        ),
        body=members.body,
        parameters={
            "all": owners if members.ids is None else members.ids,
            "people": userdata_owners,
            "course": context.course.pk,
            "needed_people": sorted(context.needed_people or ()),
            **members.parameters,
        },
        opaque=context.opaque.rewritten,
        depth=members.depth,
        hide=context.hidden.rows if context.hidden else None,
    )
    with_userdata = set(owners) if members.listed else set(userdata_owners)
    return _Begun(targets, weaver, with_userdata, _opaque_at_top(context, members.body, targets))


@lru_cache(maxsize=CACHED)
def _item_types(body: tuple[Wrapper | Element, ...]) -> frozenset[str]:
    """Return the item types of the records of a body, at every depth."""
    return frozenset(one.item_type for top in structure.elements_of(body) for one in top.walk())


@lru_cache(maxsize=CACHED)
def _compiled(
    body: tuple[Wrapper | Element, ...],
    *,
    owner: Element | None,
    rendering: Rendering,
    opaque: frozenset[str],
    depth: int,
    listed: bool,
    only: frozenset[tuple[str, str]],
    skipped: frozenset[str],
    of_people: bool,
) -> tuple[Query, ...]:
    """Return the queries of a body. Those of most backups are the same: a process that goes on running compiles them once."""
    found = queries(
        body,
        owner=owner,
        rendering=rendering,
        opaque=opaque,
        depth=depth,
        listed=listed,
        only=dict(only),
        skipped=skipped,
        of_people=of_people,
    )
    return tuple(found)


def _write_kind(context: BackupContext, begun: _Begun) -> Iterator[StepEvent]:
    """Write the members of all targets in their order; yield numbers of new records."""
    reported = 0
    with begun.weaver as weaver:
        for target in begun.targets:
            userdata = context.selection.people and target.owner in begun.with_userdata
            opaque = begun.tops.get(target.record, "")
            for records in _write(context, weaver, target, userdata=userdata, opaque=opaque):
                yield records - reported
                reported = records
    context.records += weaver.records
    yield weaver.records - reported


def _write(
    context: BackupContext, weaver: Weaver, target: MemberTarget, *, userdata: bool, opaque: str
) -> Iterator[int]:
    """Write one member, with or without userdata, and with its opaque elements beside the records."""
    references = context.references.by_owner[target.referrer]
    with context.writer.member(target.path) as stream:
        output = Output(stream, root=context.root)
        output.write(xml.DECLARATION + target.start)
        leaves, nested = context.opaque.rewritten(opaque, references, userdata)
        output.write(f"{leaves}\n" if leaves else "")
        yield from weaver.write(target.owner, output, references, people=userdata)
        output.write(f"{nested}\n" if nested else "")
        output.write(target.end)
        output.flush()


def _opaque_at_top(
    context: BackupContext, body: Sequence[Wrapper | Element], targets: Sequence[MemberTarget]
) -> dict[int, str]:
    """Return the opaque elements at the top of the members as XML, by record.

    Empty if the archive is anonymised and the members hold records that no pseudonym hides: nobody knows what is in them.
    """
    if context.selection.anonymous and any(bares_people(element) for element in structure.elements_of(body)):
        return {}
    return context.opaque.at_top(targets[0].top, [target.record for target in targets])
