"""Bring the work of one person in one activity back from an archive of the course, into the activity that is there.

All ids of the archive are this site's own. The members of the activity are loaded as always, but their rows wait in temporary
tables. `restore/person_records.py` says which of them, and which rows that are here, are the person's. Then the person's rows
here are replaced by those of the archive; rows of others are never changed.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection

from archive import layout
from archive.errors import Busy, NotFound, UsageError
from archive.findings import Finding
from courses import pool, structure
from courses.activities import types
from courses.fields import Within
from courses.models import Activity, File, OpaqueElement, Role, User
from courses.models.files import EMPTY
from courses.structure import Model
from courses.summaries import number_with_noun, numbers_with_nouns
from jobs.plan import Plan, Step, StepEvent, Task
from restore import files, opaque, target_course
from restore.arrivals import last_opaque, waiting_table
from restore.context import RestoreContext
from restore.lost_references import clear_lost_references
from restore.members import load_member, top_of
from restore.new_ids import NUMBERS_ONLY, id_map, numbered_types
from restore.owners import folder
from restore.ownership import leave_out_ownerless
from restore.person_archives import no_work, people_of
from restore.person_records import (
    LEFT_OUT,
    digest_of,
    history_models,
    models_in,
    person_records,
)
from restore.person_removal import remove
from restore.person_return import PersonReturn
from restore.single_rows import same_values


def plans(work: PersonReturn) -> tuple[Plan[RestoreContext], Plan[RestoreContext]]:
    """Return the plan of what is done before the transaction, and that of what is done in it."""
    before = Plan((Task("Files", (Step("Store the contents of files", files.load_contents),)),))
    inside: tuple[Step[RestoreContext], ...] = (
        Step("Wait for other changes of the course", target_course.lock_target),
        Step("Read the activity", lambda _: _load(work)),
        Step("Put the person's work in its place", lambda _: _merge(work)),
        Step("Put links right", opaque.decode_links),
        Step("Report", lambda _: _findings(work)),
    )
    return before, Plan((Task("Content", inside),))


def use_own_ids(work: PersonReturn) -> None:
    """Let the records of the archive keep their ids, which are those of this site; call it before the restore begins."""
    context, activity = work.context, work.activity
    manifest = context.manifest
    own = numbered_types(manifest) - NUMBERS_ONLY - {structure.item_type_of(File)}
    context.ids = ids = id_map(context.archive, manifest, same=own)
    listed = people_of(context)
    there = set(User.objects.filter(pk__in=listed).values_list("pk", flat=True))
    ids.give("user", {pk: pk if pk in there else None for pk in listed})
    ids.give("role", {pk: pk for pk in Role.objects.values_list("pk", flat=True)})
    ids.give("course", {manifest.original_course_id: activity.course_id})
    contexts: dict[int, int | None] = {manifest.original_course_contextid: activity.course.contextid}
    contexts |= {
        old: activity.contextid for old, owner in context.owners.items() if owner == folder(work.entry)
    }
    ids.give("context", contexts)
    context.claims.own.add(str(activity.contextid))
    context.course = activity.course
    context.loaders.course = activity.course_id


def _load(work: PersonReturn) -> Iterator[StepEvent]:
    """Step: load the activity's members and its files into temporary tables, and find the person's rows there."""
    _require_unchanged(work)
    context, activity = work.context, work.activity
    context.last_opaque = last_opaque()
    models = models_in(activity)
    with connection.cursor() as cursor:
        for model in models:
            table = model._meta.db_table
            cursor.execute(
                f'CREATE TEMP TABLE "{waiting_table(model._meta.db_table)}" (LIKE "{table}" INCLUDING DEFAULTS) ON COMMIT DROP'
            )
            cursor.execute(f'CREATE INDEX ON "{waiting_table(model._meta.db_table)}" (id)')
    context.loaders.redirected |= {
        model._meta.db_table: waiting_table(model._meta.db_table) for model in models
    }
    yield from _load_members(work)
    context.loaders.flush()
    context.loaders.redirected.clear()
    work.here = person_records(activity, work.person.pk)
    _rename(models, waiting=False)
    work.archived = person_records(activity, work.person.pk, here=work.here)
    _rename(models, waiting=True)


def _require_unchanged(work: PersonReturn) -> None:
    """Raise NotFound if the activity was removed meanwhile, Busy if the person's work is not what was stored any more."""
    found = Activity.objects.select_related("course", "section").filter(pk=work.activity.pk).first()
    if found is None or found.course_id != work.activity.course_id:
        raise NotFound(f"“{work.activity.title}” is not there any more.")
    work.activity = found
    if work.digest and work.digest != digest_of(found, work.person.pk):
        raise Busy(
            f"The work of {work.person} in “{found.title}” was changed after its copy was stored; nothing was replaced.",
            hint="Try again.",
        )


def _load_members(work: PersonReturn) -> Iterator[StepEvent]:
    """Load the members of the activity, and the list of files."""
    context, activity, directory = work.context, work.activity, work.entry.directory
    name = f"{activity.modulename}.xml"
    owner: dict[str, str | None] = {"owner_id": str(activity.pk)}
    content = (structure.element(types()[activity.modulename]),)
    top = top_of("activity", name, activity.pk, people=True)
    root = ("activity",)
    work.loaded.add(name)
    yield from load_member(
        context, f"{directory}/{name}", content, root=root, fixed=owner, people=True, top=top
    )
    joins = {"id": str(activity.pk), "contextid": str(activity.contextid)}
    for member in structure.members_of(Activity):
        path = f"{directory}/{member}"
        comes = context.selection.comes(layout.find("activity", member), folder(work.entry))
        if path in context.archive and comes and member not in LEFT_OUT:
            body = structure.elements_in(Activity, member)
            work.loaded.add(member)
            yield from load_member(context, path, body, joins=joins, people=True)
    if layout.FILES in context.archive and context.selection.allows("files"):
        work.loaded.add(layout.FILES)
        yield from load_member(context, layout.FILES, (structure.element(File),), root=("files",))


def _rename(models: list[Model], *, waiting: bool) -> None:
    """Give the temporary tables the names of the true ones, which they hide then, or their own names again."""
    with connection.cursor() as cursor:
        for model in models:
            names = [waiting_table(model._meta.db_table), model._meta.db_table]
            old, new = reversed(names) if waiting else names
            cursor.execute(f'ALTER TABLE pg_temp."{old}" RENAME TO "{new}"')


def _merge(work: PersonReturn) -> Iterator[StepEvent]:
    """Step: replace the person's rows by those of the archive. Raises NotFound and UsageError, before anything is changed."""
    _require_something(work)
    yield from remove(work)
    yield from _insert(work)
    context = work.context
    _keep_opaque(work)
    yield from leave_out_ownerless(context, among=work.landed)
    yield from clear_lost_references(context, among=work.landed)
    files.correct_sizes(context)


def _require_something(work: PersonReturn) -> None:
    """Raise NotFound if the archive has nothing of the person, UsageError if what is here may not be or is not the person's."""
    history = history_models(work.activity)
    if not any(ids for model, ids in work.archived.own.items() if model not in history):
        raise no_work(work.person, work.activity)
    there = work.counted({model: ids for model, ids in work.here.own.items() if model not in history})
    if there and not work.replace:
        raise UsageError(
            f"{work.person} has work in “{work.activity.title}” now: {numbers_with_nouns(there)}.",
            hint="Choose to replace it; it is stored in an archive first.",
        )
    for model, ids in work.archived.own.items():
        taken = set(model._base_manager.filter(pk__in=ids).values_list("pk", flat=True))
        if model is not File and (foreign := taken - work.here.own[model]):
            raise UsageError(
                f"{number_with_noun(structure.item_type_of(model), len(foreign))} of the archive are somebody else's now.",
                where=f"{structure.item_type_of(model)} {min(foreign)}",
                hint="Bring the whole activity back.",
            )
    if work.replace:
        _require_contents(work)


def _require_contents(work: PersonReturn) -> None:
    """Raise UsageError if a content of the person's files is neither in the archive nor here: it could not come back."""
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT filename, contenthash FROM "{waiting_table(File._meta.db_table)}" WHERE id = ANY(%s) ORDER BY id',
            [list(work.archived.own[File])],
        )
        listed = cursor.fetchall()
    renamed = work.context.renamed_contents
    wanted = [
        (name, renamed.get(sha1, sha1)) for name, sha1 in listed if name != files.FOLDER and sha1 != EMPTY
    ]
    there = pool.present({sha1 for _, sha1 in wanted})
    for name, sha1 in wanted:
        if sha1 not in there:
            raise UsageError(
                f"The content of the file “{name}” of {work.person} is neither in the archive nor here.",
                where=layout.FILES,
                hint="Choose an archive that has it. Nothing was replaced.",
            )


def _insert(work: PersonReturn) -> Iterator[StepEvent]:
    """Change the person's rows that are here to those of the archive, and add the others, parents first.

    What others wrote about a row comes with a row that was gone. Ids of all other rows of the archive count as missing.
    """
    history = history_models(work.activity)
    for model in models_in(work.activity):
        table, waiting = model._meta.db_table, waiting_table(model._meta.db_table)
        wanted = work.archived.own[model] | work.archived.about[model]
        chosen = _with_answered(model, wanted)
        own = list(work.here.own[model]) if model not in history else []
        names = [f'"{one.column}"' for one in model._meta.concrete_fields if not one.primary_key]
        with connection.cursor() as cursor:
            cursor.execute(
                f'UPDATE "{table}" t SET ({", ".join(names)}) = ROW({", ".join(f"w.{name}" for name in names)})'
                f' FROM "{waiting}" w WHERE w.id = t.id AND t.id = ANY(%s) AND t.id = ANY(%s) RETURNING t.id',
                [list(chosen), own],
            )
            landed = {number for (number,) in cursor.fetchall()}
            cursor.execute(
                f'INSERT INTO "{table}" SELECT w.* FROM "{waiting}" w WHERE w.id = ANY(%s){_fits(model)}'
                f' AND NOT EXISTS (SELECT FROM "{table}" t WHERE t.id = w.id) RETURNING id',
                [list(chosen)],
            )
            landed |= {number for (number,) in cursor.fetchall()}
            cursor.execute(
                f'SELECT w.id, EXISTS (SELECT FROM "{table}" t WHERE t.id = w.id) FROM "{waiting}" w'
            )
            arrived = dict(cursor.fetchall())
        work.landed[model] = landed
        work.brought[structure.item_type_of(model)] += len(landed)
        work.without[structure.item_type_of(model)] += sum(not arrived.get(one, True) for one in wanted)
        # A row that is here and was not changed counts as this site's, not as one of the archive.
        work.context.ids.withdraw(structure.item_type_of(model), arrived.keys() - landed)
        yield 0


def _fits(model: Model) -> str:
    """Return the SQL condition that the records around a waiting row `w` are here, and none that there can only be one of."""
    parents = "".join(
        f' AND EXISTS (SELECT FROM "{column.related_model._meta.db_table}" p WHERE p.id = w."{column.column}")'
        for column in model._meta.concrete_fields
        if isinstance(column, Within) and not column.null
    )
    if not model.archive_meta.settled_key:
        return parents
    return f'{parents} AND NOT EXISTS (SELECT FROM "{model._meta.db_table}" s WHERE {same_values(model, "s", "w")})'


def _with_answered(model: Model, ids: set[int]) -> set[int]:
    """Return those of the waiting rows that answer none, or one that is here or comes too."""
    item_type = structure.item_type_of(model)
    answers = [
        one
        for one in model._meta.concrete_fields
        if getattr(one, "refers", None) == item_type and not one.primary_key
    ]
    if not model.archive_meta.emptied or not answers or not ids:
        return ids
    chosen, column = set(ids), answers[0].column
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT w.id, w."{column}" FROM "{waiting_table(model._meta.db_table)}" w'
            f' WHERE w.id = ANY(%s) AND w."{column}" > 0'
            f' AND NOT EXISTS (SELECT FROM "{model._meta.db_table}" t WHERE t.id = w."{column}")',
            [list(ids)],
        )
        pending = dict(cursor.fetchall())
    while lost := {pk for pk, above in pending.items() if pk in chosen and above not in chosen}:
        chosen -= lost
    return chosen


def _keep_opaque(work: PersonReturn) -> None:
    """Remove the opaque elements of the archive that are of no row that came, and the old ones of rows that changed.

    Links in texts that are not the person's are this site's already: they are forgotten.
    """
    context = work.context
    new = OpaqueElement.objects.filter(course=context.course, pk__gt=context.last_opaque)
    ours: dict[str, set[int]] = {}
    for model in models_in(work.activity):
        ids = work.archived.own[model] | (work.archived.about[model] - work.here.about[model])
        there = set(model._base_manager.filter(pk__in=ids).values_list("pk", flat=True)) if ids else set()
        ours[structure.item_type_of(model)] = there
        for loader in context.loaders:
            for column in [one for one in loader.linked if one.table == model._meta.db_table]:
                loader.linked[column] = type(loader.linked[column])(
                    "q", [number for number in loader.linked[column] if number in there]
                )
    for item_type, ids in ours.items():
        OpaqueElement.objects.filter(
            pk__lte=context.last_opaque, item_type=item_type, record__in=ids
        ).delete()
        new.filter(item_type=item_type).exclude(record__in=ids).delete()
    new.exclude(item_type__in=ours).delete()


def _findings(work: PersonReturn) -> Iterator[StepEvent]:
    """Step: tell what came and what did not."""
    yield from work.context.findings
    yield from work.context.loaders.shortened.findings()
    brought, removed = +work.brought, +work.removed
    text = f"Of {work.person} came back into “{work.activity.title}”: {numbers_with_nouns(brought) or 'nothing'}."
    if removed:
        text += f" Removed from what was there: {numbers_with_nouns(removed)}."
    yield Finding("info", "work-is-back", text)
    if without := +work.without:
        yield Finding(
            "warning",
            "nothing-to-belong-to",
            f"What they belong to or answer is not there any more, so they stay away: {numbers_with_nouns(without)}.",
            hint="Bring the whole activity back to have them.",
        )
