"""Remember which role of this site a person chose for a role in the archives of another site.

A remembered choice is only a proposal on the page; each restore checks again whether the person may assign the role.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from courses.models import Role, User
from restore.match.roles import NO_ROLE
from restore.models import RoleChoice


def remembered(by: User, site_hash: str) -> dict[str, str]:
    """Return the choices of a person for the archives of a site: short names of roles here by those there, or `none`."""
    rows = RoleChoice.objects.filter(person=by, site_hash=site_hash[:64]).select_related("role")
    return {row.shortname: row.role.shortname if row.role else NO_ROLE for row in rows}


@transaction.atomic
def remember(by: User, site_hash: str, choices: Mapping[str, str]) -> None:
    """Remember choices for the archives of a site; an empty one forgets what was chosen before."""
    roles = {role.shortname: role for role in Role.objects.filter(shortname__in=set(choices.values()))}
    for shortname, chosen in choices.items():
        if chosen == NO_ROLE or chosen in roles:
            RoleChoice.objects.update_or_create(
                person=by,
                site_hash=site_hash[:64],
                shortname=shortname[:100],
                defaults={"role": roles.get(chosen)},
            )
        else:
            RoleChoice.objects.filter(person=by, site_hash=site_hash[:64], shortname=shortname[:100]).delete()
