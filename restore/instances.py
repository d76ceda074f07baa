"""Join the activities of a restore to the records that their own members hold."""

from __future__ import annotations

from django.db.models import Value

from archive.errors import DamagedArchive
from courses import activities, registry
from courses.models import Activity, File
from restore.context import RestoreContext
from restore.members import course_of


def join_instances(context: RestoreContext) -> None:
    """Give each activity the id of the record that its own member holds, as Moodle does (`apply_activity_instance`).

    The member's root states it too, and may state another one. Raises DamagedArchive if there is no record.
    """
    instances = _instances(context)
    stated = dict(Activity.objects.filter(course=course_of(context)).values_list("pk", "instance"))
    for entry in context.activities:
        if entry.modulename not in activities.types():
            continue
        activity = context.ids.known("course_module", entry.moduleid) or 0
        instance = instances.get((entry.modulename, activity))
        if instance is None:
            raise DamagedArchive(
                f"It has no <{entry.modulename}>.", where=f"{entry.directory}/{entry.modulename}.xml"
            )
        if stated[activity] != instance:
            Activity.objects.filter(pk=activity).update(instance=instance)


def _instances(context: RestoreContext) -> dict[tuple[str, int], int]:
    """Return the id of each activity's record, by the name of the activity type and the id of the activity."""
    names = {entry.modulename for entry in context.activities}
    of_types = [
        model._base_manager.filter(owner__course=course_of(context))
        .annotate(name_of_type=Value(name))
        .order_by()
        .values_list("name_of_type", "owner_id", "pk")
        for name, model in activities.types().items()
        if name in names
    ]
    if not of_types:
        return {}
    first, *others = of_types
    return {(name, owner): pk for name, owner, pk in first.union(*others, all=True)}


def renumber_files(context: RestoreContext) -> None:
    """Give files of activities that no model describes the instance's new id where their item id is its old one.

    Item ids of the plugin's other records stay, as the ids of these records do.
    """
    undescribed = {entry.modulename for entry in context.activities} - activities.types().keys()
    if not undescribed:
        return
    found = Activity.objects.filter(course=course_of(context), modulename__in=undescribed)
    for contextid, modulename, instance in found.values_list("contextid", "modulename", "instance"):
        component = registry.component_of(modulename)
        for new, old in context.ids.olds_of(modulename, [instance]).items():
            files = File.objects.filter(course=course_of(context), contextid=contextid, component=component)
            files.filter(itemid=old).update(itemid=new)
