"""System checks of the archive: every model is in a member, and every name in its declaration exists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from django.core.checks import CheckMessage, Error

from archive import layout
from backup.anonymise import personal_sql
from courses import structure
from courses.fields import ArchiveField, Int, Rendering
from courses.members import FILES, OWNERS, described
from courses.structure import Element
from selection.table import governs


def gaps() -> Iterator[str]:
    """Yield a sentence for everything that the layout, the options or the anonymiser lack for the models."""
    yield from _unreached()
    for model in structure.archived_models():
        yield from meta_gaps(model)
        for field in model._meta.concrete_fields:
            if isinstance(field, ArchiveField) and field.personal is not None:
                yield from personal_gaps(field)
    for one in described():
        for element in one.elements():
            yield from _doubled(element)
    for member in (*layout.MEMBERS, FILES):
        if member.option and not governs(member.option):
            yield f"The layout's {member.path} names the option {member.option!r}, which does not exist."


def _unreached() -> Iterator[str]:
    """Yield models that are in no member, and members that the layout does not have."""
    for owner in dict.fromkeys(OWNERS.values()):
        where = {scope for scope, model in OWNERS.items() if model is owner}
        for path in structure.members_of(owner):
            if not any(member.path == path and member.scope in where for member in layout.MEMBERS):
                yield (
                    f"A model below {owner.__name__} stands in {path}, which the layout does not have."
                    " Correct the model's member, or add it to archive.layout.MEMBERS."
                )
    reached = {element.model for one in described() for element in one.elements()}
    for model in structure.archived_models():
        if model not in reached:
            yield (
                f"{model._meta.label} is in no member of an archive. Say where it stands: Within(Parent,"
                ' "wrapper/element"), or places in its archive_meta.'
            )


def meta_gaps(model: structure.Model) -> Iterator[str]:
    """Yield a sentence for every name in a model's `archive_meta` that does not exist."""
    archive_meta = model.archive_meta
    if archive_meta.option and not governs(archive_meta.option):
        yield f"{model._meta.label} names the option {archive_meta.option!r}, which selection does not have."
    for area in (*archive_meta.files, *archive_meta.comments):
        if area.count("/") != 1:
            yield f'{model._meta.label} names the area {area!r}. Write it as "component/area".'
    columns = {column.name for column in model._meta.concrete_fields}
    if archive_meta.person and archive_meta.person not in columns:
        yield f"{model._meta.label} names {archive_meta.person!r} as its person, which is none of its columns."


def personal_gaps(field: ArchiveField) -> Iterator[str]:
    """Yield a sentence if the anonymiser does not know a field's `personal`, or makes a value that the column cannot hold."""
    name = f"{field.model._meta.label}.{field.name}"
    try:
        personal_sql(field, person="1", rendering=Rendering(anonymize=True))
    except KeyError:
        yield f"{name} is personal as {field.personal!r}, which backup.anonymise does not know. Add it there."
    if field.personal == "null" and not field.null:
        yield f'{name} becomes NULL for people who are hidden, and may not be NULL. Say personal="empty".'
    if field.personal == "zero" and not isinstance(field, Int):
        yield f'{name} becomes 0 for people who are hidden, and is no number. Say personal="empty".'


def _doubled(element: Element) -> Iterator[str]:
    """Yield a sentence for each tag that two elements of a record share: a reader could not tell them apart."""
    for tag, number in Counter(element.inside()).items():
        if number > 1:
            yield f"{element.model._meta.label} has {number} elements <{tag}>. Give all but one another tag."


def check(app_configs: object, **_: object) -> list[CheckMessage]:
    """Return the gaps as errors of Django's system check."""
    return [Error(gap, id="backup.E001") for gap in gaps()]
