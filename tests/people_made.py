"""Make people with roles for tests."""

from __future__ import annotations

from courses.models import Activity, Category, Course, Role, RoleAssignment, User
from courses.models.site import SYSTEM_CONTEXT

PASSWORD = "correct horse battery staple"


def person(
    username: str, *roles: str, at: Course | Category | Activity | None = None, **columns: object
) -> User:
    """Make a person who can sign in and has roles at a course, category or activity, by default at the site."""
    made = User.objects.create_user(
        username, f"{username}@example.org", PASSWORD, firstname=username.title(), lastname="Test", **columns
    )
    for shortname in roles:
        RoleAssignment.objects.create(
            roleid=Role.objects.get(shortname=shortname).pk,
            userid=made.pk,
            contextid=at.contextid if at is not None else SYSTEM_CONTEXT,
        )
    return made
