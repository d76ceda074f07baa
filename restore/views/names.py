"""Fragment: which names the restored course will have, asked for while somebody types them."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from restore import targets
from restore.course_names import CourseNames, archived_names, chosen_names, free_names
from restore.views.wizard import wizard_of

LONGEST = 2000
"""Characters of a name that are looked at."""


@login_required
@require_GET
def names(request: HttpRequest, pk: int) -> HttpResponse:
    """Show whether another course has the names in the form's fields, and which ones the course would get.

    Show nothing if the course in the target keeps its own.
    """
    wizard = wizard_of(request, pk)
    course = targets.find(wizard.target, wizard.manifest).course
    if course is not None and not request.GET.get("overwrite_conf"):
        return HttpResponse("")
    asked = CourseNames(
        request.GET.get("course_fullname", "").strip()[:LONGEST],
        request.GET.get("course_shortname", "").strip()[:LONGEST],
    )
    own = CourseNames(course.fullname, course.shortname) if course is not None else None
    wanted = chosen_names(asked, archived_names(wizard.manifest), own)
    given = wanted if wanted == own else free_names(wanted, own=course.pk if course is not None else None)
    return render(request, "restore/names.html", {"wanted": wanted, "given": given, "taken": given != wanted})
