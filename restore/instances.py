"""Join the activities of a restore to the records that their own members hold."""

from __future__ import annotations

from archive.errors import DamagedArchive
from courses import activities, registry
from courses.models import Activity, File
from restore.context import RestoreContext
from restore.members import course_of


def join_instances(context: RestoreContext) -> None:
    """Give each activity the id of the record that its own member holds, as Moodle does (`apply_activity_instance`).

    The member's root states it too, and may state another one. Raises DamagedArchive if there is no record.
    """
    instances: dict[str, dict[int, int]] = {}
    stated = dict(Activity.objects.filter(course=course_of(context)).values_list("pk", "instance"))
    for entry in context.activities:
        model = activities.types().get(entry.modulename)
        if model is None:
            continue
        if entry.modulename not in instances:
            rows = model._base_manager.filter(owner__course=course_of(context)).values_list("owner_id", "pk")
            instances[entry.modulename] = dict(rows)
        activity = context.ids.known("course_module", entry.moduleid) or 0
        instance = instances[entry.modulename].get(activity)
        if instance is None:
            raise DamagedArchive(
                f"It has no <{entry.modulename}>.", where=f"{entry.directory}/{entry.modulename}.xml"
            )
        if stated[activity] != instance:
            Activity.objects.filter(pk=activity).update(instance=instance)


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
