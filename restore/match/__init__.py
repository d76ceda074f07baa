"""Match the people, roles and records of an archive with those of this site."""

from restore.match.decisions import Decisions, read_decisions
from restore.match.people import ArchivedPerson, Match, match_user, match_users
from restore.match.review import review_users
from restore.match.roles import (
    ArchivedRole,
    RoleMatch,
    match_role,
    match_roles,
    read_role_choices,
    require_role_choices,
    review_override,
)

__all__ = [
    "ArchivedPerson",
    "ArchivedRole",
    "Decisions",
    "Match",
    "RoleMatch",
    "match_role",
    "match_roles",
    "match_user",
    "match_users",
    "read_decisions",
    "read_role_choices",
    "require_role_choices",
    "review_override",
    "review_users",
]
