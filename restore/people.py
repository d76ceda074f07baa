"""The steps of a restore that match the people and roles of an archive with those of this site, and make new ones."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from django.utils.crypto import get_random_string

from archive import layout, xml
from archive.errors import Busy, InvalidValue, NotAllowed, UsageError
from archive.findings import Finding
from archive.manifest import Manifest
from courses import structure
from courses.bulk import reserve
from courses.capabilities import assignable_roles
from courses.fields import NULL, FieldError, integer
from courses.models import Context, Course, Role, RoleName, User
from restore.context import RestoreContext
from restore.loader import Top
from restore.match import (
    ArchivedPerson,
    ArchivedRole,
    Decisions,
    Match,
    RoleMatch,
    match_roles,
    match_users,
    read_decisions,
    read_role_choices,
    require_role_choices,
    review_users,
)
from restore.match.decisions import ALL_OTHERS
from restore.refusals import people_taken
from restore.targets import Target
from restore.unique_names import ATTEMPTS, NameTaken, claim_role_names, claim_user_names
from selection.defaults import site_defaults
from selection.settings import Settings

USERS = "users.xml"
ROLES = "roles.xml"
CREATE_USER = "moodle/restore:createuser"


def read_people(context: RestoreContext) -> Iterator[tuple[ArchivedPerson, int]]:
    """Yield the people in the archive, each with the old id of its context. Raises InvalidValue for a number that is none."""
    with context.archive.open(USERS) as stream:
        for element in xml.records(stream, member=USERS, tags=("user",)):
            if element.get("contextid") is None:
                continue
            values = {str(child.tag): None if child.text == NULL else child.text for child in element}
            contextid = element.get("contextid") or "0"
            where = f"{USERS}, line {element.sourceline}"
            for name in ("firstaccess", "deleted"):
                _number(values.get(name), name, where=where)
            number = _number(element.get("id"), "id", where=where)
            if context.needed.comes("user", number):
                yield (
                    ArchivedPerson.read(number, values),
                    _number(contextid, "context", where=where),
                )


def matches_of(context: RestoreContext) -> Iterator[tuple[Match, int]]:
    """Yield the match of each person in the archive, with the old id of the person's context."""
    contexts: list[int] = []

    def people() -> Iterator[ArchivedPerson]:
        for person, contextid in read_people(context):
            contexts.append(contextid)
            yield person

    matches = match_users(people(), same_site=context.made_here, decisions=decisions_here(context))
    for index, match in enumerate(matches):
        yield match, contexts[index]


def decisions_here(context: RestoreContext) -> Decisions:
    """Return the decisions about people in the options of a restore. Raises UsageError."""
    return decisions_of(context.selection.settings, context.manifest, context.may)


def decisions_of(settings: Settings, manifest: Manifest, may: Collection[str]) -> Decisions:
    """Return the decisions that the options `accounts` and `duplicate_admin` are. Raises UsageError.

    `may` are the person's capabilities at the target.
    """
    return Decisions(
        read_decisions(settings.text("accounts")),
        manifest.original_site_identifier_hash,
        settings.on("duplicate_admin"),
        may_create=CREATE_USER in may,
    )


def user_names(context: RestoreContext) -> set[str]:
    """Return the user names in the archive, also of people who do not come; none if its people are not restored."""
    if not context.selection.people:
        return set()
    with context.archive.open(USERS) as stream:
        return {one.findtext("username") or "" for one in xml.records(stream, member=USERS, tags=("user",))}


def _require_named(context: RestoreContext) -> None:
    """Raise UsageError if the option `accounts` decides about somebody who is not in the archive."""
    text = context.selection.settings.text("accounts")
    if _is_default(text) or not context.selection.people:
        return
    named = read_decisions(text).keys() - {ALL_OTHERS}
    if named and (unknown := named - user_names(context)):
        raise UsageError(
            f"The option accounts decides about “{min(unknown)}”, and nobody in the archive has this user name.",
            hint="Leave the decision out; the command restore writes all of them with --people-report.",
        )


def _is_default(text: str) -> bool:
    """Whether a value of the option `accounts` is the site's default."""
    default = site_defaults("restore").get("accounts")
    return default is not None and str(default.value) == text


def require_decisions(text: str, may: Collection[str]) -> None:
    """Raise UsageError or NotAllowed if a value of the option `accounts` is none, or holds a decision that is not the person's.

    `may` are the person's capabilities at the target. Anybody who may restore people may leave somebody out. Saying who
    somebody is, and making an account, takes the right to create accounts, unless the site's default says so.
    """
    decisions = read_decisions(text)
    if CREATE_USER in may or _is_default(text):
        return
    refused = [name for name, decision in decisions.items() if decision.choice != "out"]
    if refused:
        raise NotAllowed(
            f"You may not decide who “{refused[0]}” is here: it takes the right {CREATE_USER}.",
            hint=f"Leave them out ({refused[0]}=out), or ask somebody who may create accounts.",
        )


def review_people(context: RestoreContext) -> Iterator[Finding]:
    """Yield the findings of the precheck about people."""
    return review_users((match for match, _ in matches_of(context)), may=context.may)


def match_people(context: RestoreContext) -> Iterator[int]:
    """Map every person of the archive to an account: an existing one, or the reserved id of a new one.

    People who are left out get an id that nobody has; `restore/left_out.py` removes their work. Raises InvalidValue if two
    people have the same id, HostileArchive if their contexts contradict the manifest, Busy if somebody else has made accounts
    meanwhile about which nobody has decided.
    """
    matches, new = _claimed(context)
    context.loaders.usernames.update(_new_names(context, matches))
    if len({match.old_id for match, _ in matches}) < len(matches):
        raise InvalidValue("Two people have the same id.", where=USERS)
    context.users = new
    out = [match.old_id for match, _ in matches if match.action == "out"]
    first = reserve(User, len(out)) if out else 0
    context.people_out.update({old: first + index for index, old in enumerate(out)})
    found = {match.old_id: match.target for match, _ in matches if match.action == "map"}
    context.ids.give("user", {**new, **found, **dict.fromkeys(out)})
    # Not whole accounts: a course may have tens of thousands of people.
    mapped = [target for target in found.values() if target is not None]
    there = dict(User.objects.filter(pk__in=mapped).values_list("pk", "contextid"))
    contexts = _contexts_of(context, matches)
    context.acceptance.new_people = set(contexts)
    context.acceptance.people_out.update(old for match, old in matches if match.action == "out")
    for match, contextid in matches:
        if match.action == "map" and match.target in there:
            contexts[contextid] = there[match.target]
    context.ids.give("context", contexts)
    context.people = len(matches)
    context.people_by.update(match.action for match, _ in matches)
    yield 0


def _claimed(context: RestoreContext) -> tuple[list[tuple[Match, int]], dict[int, int]]:
    """Return the matches, and the ids of the new accounts by old ids, whose user names nobody else can take any more.

    Raises Busy if a person is in conflict now: the prechecks have found none.
    """
    for _ in range(ATTEMPTS):
        matches = list(matches_of(context))
        for match, _ in matches:
            if match.action == "conflict":
                raise Busy(
                    f"Somebody else made or changed the account “{match.username}” during the restore; nothing was restored.",
                    hint="Check the restore again, and decide about this person.",
                )
        made = [match for match, _ in matches if match.action == "create"]
        first = reserve(User, len(made)) if made else 0
        try:
            claim_user_names({first + index: match.username for index, match in enumerate(made)})
        except NameTaken:
            continue
        return matches, {match.old_id: first + index for index, match in enumerate(made)}
    raise people_taken()


def _new_names(context: RestoreContext, matches: list[tuple[Match, int]]) -> dict[str, str]:
    """Return the new user names by the old ones, of the new accounts that have another name here than in the archive."""
    renamed = {match.old_id: match.username for match, _ in matches if match.rule in {"new", "2A2"}}
    if not renamed:
        return {}
    return {person.username: renamed[person.id] for person, _ in read_people(context) if person.id in renamed}


def _contexts_of(context: RestoreContext, matches: list[tuple[Match, int]]) -> dict[int, int | None]:
    """Return new contexts by old ones, for the people who will be made. They are reserved together, as the ids of anonymous
    people lie far apart.

    Raises HostileArchive if a contextid belongs to two people, or to the site or the course as well.
    """
    known = {context.manifest.original_system_contextid, context.manifest.original_course_contextid}
    for match, contextid in matches:
        if contextid in known:
            raise context.claims.error(contextid, where=f"{USERS}, user {match.old_id}")
        known.add(contextid)
    made = [contextid for match, contextid in matches if match.action == "create"]
    first = reserve(Context, len(made)) if made else 0
    context.claims.own.update(str(first + index) for index in range(len(made)))
    return {contextid: first + index for index, contextid in enumerate(made)}


def load_people(context: RestoreContext) -> Iterator[int]:
    """Create the new accounts. Nobody can sign in with them until a password is set."""
    locked = "!" + get_random_string(40)
    fixed = {
        "password": locked,
        "is_superuser": "f",
        "suspended": "f",
        "revocations": "0",
        "last_login": None,
    }
    with context.archive.open(USERS) as stream:
        yield from context.loaders.with_userdata.load(
            stream,
            member=USERS,
            elements=(structure.element(User),),
            root=("users",),
            fixed=fixed,
            wanted=lambda _, old: None if old in context.people_out else old in context.users,
            top=Top(layout.top("archive", USERS)),
        )


def read_roles(context: RestoreContext) -> list[tuple[ArchivedRole, str | None]]:
    """Return the roles in the archive that come, each with its name in the course, None if it has none."""
    return [one for one in _all_roles(context) if context.needed.comes("role", one[0].id)]


def _all_roles(context: RestoreContext) -> list[tuple[ArchivedRole, str | None]]:
    """Return all roles in the archive, as `read_roles` returns those that come."""
    if ROLES not in context.archive:
        return []
    found = []
    with context.archive.open(ROLES) as stream:
        for element in xml.records(stream, member=ROLES, tags=("role",)):
            values = {str(child.tag): None if child.text == NULL else (child.text or "") for child in element}
            role = ArchivedRole(
                _number(element.get("id")),
                (values.get("shortname") or "")[:100],
                (values.get("name") or "")[:255],
                (values.get("archetype") or "")[:30],
            )
            found.append((role, values.get("nameincourse")))
    return found


def match_all_roles(context: RestoreContext) -> tuple[dict[int, RoleMatch], list[Finding]]:
    """Return the match of each role in the archive by its old id, and the findings about them."""
    known, assignable = roles_here(context.by, context.target)
    roles = [role for role, _ in read_roles(context)]
    choices = read_role_choices(context.selection.settings.text("roles"))
    matches, findings = match_roles(roles, assignable, known=known, may=context.may, choices=choices)
    return matches, [*findings, *_without_effect(choices, roles)]


def _without_effect(choices: Mapping[str, str], roles: Iterable[ArchivedRole]) -> Iterator[Finding]:
    """Yield a finding for each choice about a role that does not come, since nobody who comes has it."""
    for name in sorted(choices.keys() - {role.shortname for role in roles}):
        yield Finding(
            "info",
            "role-not-needed",
            f"The role “{name}” of the archive does not come, as nobody who comes has it; what you chose for it has no effect.",
            ROLES,
            "Choose more of the archive if people should get it.",
        )


def roles_here(by: User | None, target: Target) -> tuple[list[Role], list[Role]]:
    """Return all roles of this site, and those that the person may assign at the target."""
    known = list(Role.objects.all())
    return known, known if by is None else assignable_roles(by, target.place)


def require_choices(context: RestoreContext) -> None:
    """Raise UsageError or NotAllowed for choices in `accounts` and `roles` that cannot be made, or not by this person."""
    require_decisions(context.selection.settings.text("accounts"), context.may)
    _require_named(context)
    choices = read_role_choices(context.selection.settings.text("roles"))
    if choices:
        known, assignable = roles_here(context.by, context.target)
        require_role_choices(choices, (role for role, _ in _all_roles(context)), assignable, known=known)


def load_roles(context: RestoreContext) -> Iterator[int]:
    """Match the roles of the archive with this site's, and create those that are new."""
    matches, made = _claimed_roles(context)
    context.ids.give("role", {old: made.get(old, match.target) for old, match in matches.items()})
    if ROLES not in context.archive:
        return
    with context.archive.open(ROLES) as stream:
        yield from context.loaders.choose().load(
            stream,
            member=ROLES,
            elements=(structure.element(Role),),
            root=("roles_definition",),
            wanted=lambda _, old: old in made,
            top=Top(layout.top("archive", ROLES)),
        )
    context.loaders.choose().flush()


def _claimed_roles(context: RestoreContext) -> tuple[dict[int, RoleMatch], dict[int, int]]:
    """Return the matches of roles, and the ids of the new ones by old ids, whose names nobody else can take any more."""
    names = {role.id: role.shortname for role, _ in read_roles(context)}
    for _ in range(ATTEMPTS):
        matches, _findings = match_all_roles(context)
        new = [old for old, match in matches.items() if match.action == "create"]
        first = reserve(Role, len(new)) if new else 0
        made = {old: first + index for index, old in enumerate(new)}
        try:
            claim_role_names({made[old]: names[old] for old in new})
        except NameTaken:
            continue
        return matches, made
    raise people_taken()


def name_roles(context: RestoreContext, course: Course) -> None:
    """Set the names that the archive's course has for its roles."""
    for role, name in read_roles(context):
        target = context.ids.mention("role", role.id)
        if name and target is not None:
            RoleName.objects.get_or_create(role_id=target, course=course, defaults={"name": name[:255]})


def _number(text: str | None, name: str = "number", *, where: str = ROLES) -> int:
    """Return a number of the archive, 0 for an empty text. Raises InvalidValue if it is no number or too large."""
    try:
        return int(integer(text or "0"))
    except FieldError as error:
        raise InvalidValue(f"The {name} {error}.", where=where) from None
