"""People for tests, with roles where a test wants them."""

from __future__ import annotations

from courses.models import Activity, Category, Course, Role, RoleAssignment, User
from courses.models.site import SYSTEM_CONTEXT

PASSWORD = "correct horse battery staple"


def person(
    username: str, *roles: str, at: Course | Category | Activity | None = None, **columns: object
) -> User:
    """A person who can sign in and holds roles at a place, or at the site without one."""
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
