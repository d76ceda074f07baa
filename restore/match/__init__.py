"""Matching: which accounts and roles of this site the people and roles of an archive are."""

from restore.match.people import ArchivedPerson, Match, match_user, match_users, review_users
from restore.match.roles import ArchivedRole, RoleMatch, match_role, match_roles, review_override

__all__ = [
    "ArchivedPerson",
    "ArchivedRole",
    "Match",
    "RoleMatch",
    "match_role",
    "match_roles",
    "match_user",
    "match_users",
    "review_override",
    "review_users",
]
