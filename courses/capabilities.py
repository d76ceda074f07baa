"""Capabilities: the list of them, the roles that allow them, and the check of what a person may do where.

Names, contexts and the roles that have a capability by default are Moodle's (`lib/db/access.php`). A role holds in the
context where it is assigned and in all contexts below. An override changes it from its context on downwards: for each role
the nearest override wins, one role that allows is enough, and a prohibition at any level overrides everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from django.contrib.auth.backends import ModelBackend
from django.db import connection
from django.db.models import Q, QuerySet

from courses.models.course import Activity, Course, Section
from courses.models.people import Role, RoleAssignment, RoleOverride, User
from courses.models.site import SYSTEM_CONTEXT, Category

Level = Literal["site", "category", "course", "activity"]
ContextOwner = Course | Category | Section | Activity | None

ALLOW, INHERIT, PREVENT, PROHIBIT = 1, 0, -1, -1000

TEACHING = frozenset({"manager", "editingteacher"})
MANAGING = frozenset({"manager"})
WATCHING = frozenset({"manager", "editingteacher", "teacher"})
CREATING = frozenset({"manager", "coursecreator"})


@dataclass(frozen=True, slots=True)
class Capability:
    """An action that roles can allow. `level` is the lowest kind of context in which it is checked.

    `allows` is its description on pages. A capability of the level "site" counts only for roles that are assigned for the
    whole site. `archetypes` are those of the roles that have it unless an override says otherwise.
    """

    name: str
    allows: str
    level: Level
    archetypes: frozenset[str]


CAPABILITIES: dict[str, Capability] = {
    capability.name: capability
    for capability in (
        Capability("moodle/backup:backupcourse", "Back up a course", "course", TEACHING),
        Capability("moodle/backup:backupsection", "Back up a section", "course", TEACHING),
        Capability("moodle/backup:backupactivity", "Back up an activity", "activity", TEACHING),
        Capability("moodle/backup:downloadfile", "Download archives", "course", TEACHING),
        Capability("moodle/backup:configure", "Choose what a backup contains", "course", TEACHING),
        Capability("moodle/backup:userinfo", "Back up people and their work", "course", MANAGING),
        Capability("moodle/backup:anonymise", "Back up people without their names", "course", MANAGING),
        Capability(
            "moodle/backup:backuptargetimport", "Import parts of a course elsewhere", "course", TEACHING
        ),
        Capability("moodle/restore:restoretargetimport", "Import parts of other courses", "course", TEACHING),
        Capability("moodle/restore:restorecourse", "Restore a course", "course", TEACHING),
        Capability("moodle/restore:restoresection", "Restore a section", "course", TEACHING),
        Capability("moodle/restore:restoreactivity", "Restore an activity", "course", TEACHING),
        Capability("moodle/restore:viewautomatedfilearea", "See scheduled archives", "course", TEACHING),
        Capability("moodle/restore:uploadfile", "Upload an archive", "course", TEACHING),
        Capability("moodle/restore:configure", "Choose what a restore brings", "course", TEACHING),
        Capability("moodle/restore:rolldates", "Move the dates of a course", "course", CREATING),
        Capability("moodle/restore:userinfo", "Restore people and their work", "course", MANAGING),
        Capability("moodle/restore:createuser", "Create accounts for people", "site", MANAGING),
        Capability("moodle/course:create", "Create courses", "category", CREATING),
        Capability("moodle/course:update", "Change the settings of a course", "course", TEACHING),
        Capability("moodle/course:changefullname", "Change the name of a course", "course", TEACHING),
        Capability("moodle/course:changeshortname", "Change the short name of a course", "course", TEACHING),
        Capability("moodle/course:changeidnumber", "Change the ID number of a course", "course", TEACHING),
        Capability("moodle/course:enrolconfig", "Choose how people are enrolled", "course", TEACHING),
        Capability("moodle/course:view", "Look at a course", "course", WATCHING),
        Capability("moodle/course:manageactivities", "Duplicate and remove activities", "activity", TEACHING),
        Capability("moodle/course:delete", "Remove a course", "course", MANAGING),
        Capability("tool/recyclebin:viewitems", "See what was removed", "course", WATCHING),
        Capability("tool/recyclebin:restoreitems", "Bring back what was removed", "course", TEACHING),
        Capability("tool/recyclebin:deleteitems", "Empty the recycle bin", "course", TEACHING),
        Capability("coursekeep/role:create", "Create roles that an archive brings", "site", MANAGING),
    )
}
EVERYTHING = frozenset(CAPABILITIES)
SITE_WIDE = frozenset(name for name, capability in CAPABILITIES.items() if capability.level == "site")

# Moodle's standard roles in its order; the archetype is the short name, but for the one of signed-in people.
STANDARD_ROLES = (
    "manager",
    "coursecreator",
    "editingteacher",
    "teacher",
    "student",
    "guest",
    "user",
    "frontpage",
)
# The role that everybody who has signed in holds at the site without an assignment.
EVERYBODY = "user"

# The archetypes that each archetype may assign in a course: Moodle's defaults; "" is a role without an archetype.
ASSIGNS: dict[str, frozenset[str]] = {
    "manager": frozenset({"manager", "editingteacher", "teacher", "student", ""}),
    "editingteacher": frozenset({"teacher", "student"}),
}
ASSIGNABLE = ASSIGNS["manager"]


@dataclass(frozen=True, slots=True)
class Standing:
    """A person's roles and overrides, from which capabilities are computed.

    `archetypes` has the archetype of each role id, `held` the contexts in which each role is held. `overrides` maps role
    and capability to permissions by context.
    """

    archetypes: Mapping[int, str] = field(default_factory=dict)
    held: Mapping[int, frozenset[int]] = field(default_factory=dict)
    overrides: Mapping[tuple[int, str], Mapping[int, int]] = field(default_factory=dict)

    def roles_at(self, path: Sequence[int]) -> list[int]:
        """Return the roles held in the last context of a path, which starts at the site."""
        return [role for role, contexts in self.held.items() if contexts.intersection(path)]

    def allowed_at(self, path: Sequence[int]) -> frozenset[str]:
        """Return the capabilities in the last context of a path, which starts at the site."""
        site, here = self.roles_at(path[:1]), self.roles_at(path)
        return frozenset(
            name
            for name in EVERYTHING
            if (self._allows(name, site, path[:1]) if name in SITE_WIDE else self._allows(name, here, path))
        )

    def _allows(self, name: str, roles: Iterable[int], path: Sequence[int]) -> bool:
        allowed = False
        for role in roles:
            permission = ALLOW if self.archetypes[role] in CAPABILITIES[name].archetypes else INHERIT
            overrides = self.overrides.get((role, name), {})
            for context in path:
                override = overrides.get(context, INHERIT)
                if override <= PROHIBIT:
                    return False
                permission = override or permission
            allowed = allowed or permission > INHERIT
        return allowed


def may(user: Any, owner: ContextOwner) -> frozenset[str]:
    """Return all capabilities that a user has in a course, category, section or activity, or (None) for the site.

    Site administrators have all of them; people who are deleted, suspended, unconfirmed or not signed in have none. Takes
    four queries at most.
    """
    if not user.is_active or not user.is_authenticated:
        return frozenset()
    if user.is_superuser:
        return EVERYTHING
    path = path_to(owner)
    return _standing(user, path).allowed_at(path)


def may_at_each(user: Any, owners: Iterable[ContextOwner]) -> list[frozenset[str]]:
    """Return for each owner what `may` returns, in five queries however many there are.

    The courses of sections and activities are read from them, so fetch those along.
    """
    wanted = list(owners)
    if not user.is_active or not user.is_authenticated:
        return [frozenset()] * len(wanted)
    if user.is_superuser:
        return [EVERYTHING] * len(wanted)
    if not wanted:
        return []
    standing, categories = _standing(user), _category_paths()
    return [standing.allowed_at(_path_among(categories, owner)) for owner in wanted]


def path_to(owner: ContextOwner) -> tuple[int, ...]:
    """Return the context ids from the site down to that of a course, category, section or activity; None is the site."""
    if owner is None:
        return (SYSTEM_CONTEXT,)
    if isinstance(owner, Activity):
        return (*path_to(owner.course), owner.contextid)
    if isinstance(owner, Section):
        return path_to(owner.course)
    if isinstance(owner, Course):
        return (*_path_to_category(owner.category_id), owner.contextid)
    return _path_to_category(owner.pk)


def _path_among(categories: Mapping[int, tuple[int, ...]], owner: ContextOwner) -> tuple[int, ...]:
    """Return what `path_to` returns, given the paths of all categories."""
    if owner is None:
        return (SYSTEM_CONTEXT,)
    if isinstance(owner, Activity):
        return (*_path_among(categories, owner.course), owner.contextid)
    if isinstance(owner, Section):
        return _path_among(categories, owner.course)
    if isinstance(owner, Course):
        return (*categories[owner.category_id], owner.contextid)
    return categories[owner.pk]


def courses_where(user: Any, capability: str) -> QuerySet[Course]:
    """Return the courses in which a user has a capability, in five queries at most.

    Raises KeyError for an unknown capability.
    """
    if capability not in CAPABILITIES:
        raise KeyError(capability)
    if not user.is_active or not user.is_authenticated:
        return Course.objects.none()
    if user.is_superuser:
        return Course.objects.all()
    standing = _standing(user)
    paths = _category_paths()
    contexts = frozenset().union(*standing.held.values(), *standing.overrides.values())
    apart = contexts.difference((SYSTEM_CONTEXT,), (path[-1] for path in paths.values()))
    # Courses with a role or an override of their own are decided one by one, all others with their category.
    categories = [pk for pk, path in paths.items() if capability in standing.allowed_at(path)]
    own = Course.objects.filter(contextid__in=apart).values_list("contextid", "category_id")
    singles = [
        contextid
        for contextid, category in own
        if capability in standing.allowed_at((*paths[category], contextid))
    ]
    alike = Q(category__in=categories) & ~Q(contextid__in=apart)
    return Course.objects.filter(alike | Q(contextid__in=singles))


def categories_where(user: Any, capability: str) -> QuerySet[Category]:
    """Return the categories in which a user has a capability, in four queries at most.

    Raises KeyError for an unknown capability.
    """
    if capability not in CAPABILITIES:
        raise KeyError(capability)
    if not user.is_active or not user.is_authenticated:
        return Category.objects.none()
    if user.is_superuser:
        return Category.objects.all()
    standing = _standing(user)
    paths = _category_paths()
    return Category.objects.filter(
        pk__in=[pk for pk, path in paths.items() if capability in standing.allowed_at(path)]
    )


def may_somewhere(user: Any, capability: str) -> bool:
    """Whether a user has a capability at the site, in any category or in any course."""
    return (
        capability in may(user, None)
        or courses_where(user, capability).exists()
        or categories_where(user, capability).exists()
    )


def assignable_roles(user: Any, owner: ContextOwner) -> list[Role]:
    """Return the roles that a user may assign to people there, in the site's order."""
    roles = [role for role in Role.objects.all() if role.archetype in ASSIGNABLE]
    if not user.is_active or not user.is_authenticated:
        return []
    if user.is_superuser:
        return roles
    path = path_to(owner)
    standing = _standing(user, path)
    held = {standing.archetypes[role] for role in standing.roles_at(path)}
    allowed = frozenset().union(*(ASSIGNS.get(archetype, frozenset()) for archetype in held))
    return [role for role in roles if role.archetype in allowed]


def ensure_standard_roles() -> None:
    """Create Moodle's standard roles; existing ones are not changed."""
    Role.objects.bulk_create(
        (
            Role(shortname=shortname, archetype=shortname, sortorder=number)
            for number, shortname in enumerate(STANDARD_ROLES, start=1)
        ),
        ignore_conflicts=True,
        unique_fields=None,
    )


class CapabilityBackend(ModelBackend):
    """Authentication backend: Django's sign-in, and `user.has_perm("moodle/backup:backupcourse", course)` from roles.

    There are no permissions by model: administration is for site administrators.
    """

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        """Whether a user has a capability for an object, or for the site if `obj` is None."""
        return perm in CAPABILITIES and perm in may(user_obj, obj)

    def get_user_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Return an empty set: capabilities come from roles."""
        return set()

    def get_group_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Return an empty set: capabilities come from roles."""
        return set()

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Return all capabilities for an object, or for the site if `obj` is None."""
        return set(may(user_obj, obj))

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        """Whether a user sees an app in Django's administration."""
        return bool(user_obj.is_active and user_obj.is_superuser)


def _standing(user: User, path: Sequence[int] | None = None) -> Standing:
    """Return a person's standing in all contexts, or only in those of a path."""
    assignments = RoleAssignment.objects.filter(userid=user.pk)
    if path is not None:
        assignments = assignments.filter(contextid__in=path)
    held: dict[int, set[int]] = {}
    for roleid, contextid in assignments.values_list("roleid", "contextid"):
        held.setdefault(roleid, set()).add(contextid)
    archetypes: dict[int, str] = {}
    for pk, shortname, archetype in Role.objects.filter(Q(pk__in=held) | Q(shortname=EVERYBODY)).values_list(
        "pk", "shortname", "archetype"
    ):
        archetypes[pk] = archetype
        if shortname == EVERYBODY:
            held.setdefault(pk, set()).add(SYSTEM_CONTEXT)
    return Standing(
        archetypes,
        # A deleted role allows nothing.
        {role: frozenset(contexts) for role, contexts in held.items() if role in archetypes},
        _overrides(archetypes, path),
    )


def _overrides(roles: Iterable[int], path: Sequence[int] | None) -> dict[tuple[int, str], dict[int, int]]:
    """Return the overrides of roles by role and capability, as permissions by context; INHERIT is left out."""
    rows = RoleOverride.objects.filter(roleid__in=list(roles), capability__in=EVERYTHING).exclude(
        permission=INHERIT
    )
    if path is not None:
        rows = rows.filter(contextid__in=path)
    overrides: dict[tuple[int, str], dict[int, int]] = {}
    for roleid, capability, contextid, permission in rows.values_list(
        "roleid", "capability", "contextid", "permission"
    ):
        known = overrides.setdefault((roleid, capability), {})
        # Two rows for one context are possible: the stricter one counts.
        known[contextid] = min(permission, known.get(contextid, permission))
    return overrides


def _path_to_category(pk: int) -> tuple[int, ...]:
    """Return the context ids from the site down to a category, in one query."""
    table = connection.ops.quote_name(Category._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""WITH RECURSIVE up(id, parent_id, contextid, depth) AS (
                    SELECT id, parent_id, contextid, 0 FROM {table} WHERE id = %s
                    UNION ALL
                    SELECT c.id, c.parent_id, c.contextid, up.depth + 1
                    FROM {table} c JOIN up ON c.id = up.parent_id
                ) SELECT contextid FROM up ORDER BY depth DESC""",
            [pk],
        )
        return (SYSTEM_CONTEXT, *(contextid for (contextid,) in cursor.fetchall()))


def _category_paths() -> dict[int, tuple[int, ...]]:
    """Return the path of context ids of every category, in one query."""
    rows = {
        pk: (parent, context)
        for pk, parent, context in Category.objects.values_list("pk", "parent_id", "contextid")
    }

    def upwards(pk: int | None) -> Iterator[int]:
        while pk is not None:
            pk, context = rows[pk]
            yield context

    return {pk: (SYSTEM_CONTEXT, *reversed(tuple(upwards(pk)))) for pk in rows}
