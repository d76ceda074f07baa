"""Addresses of copies, of imports, of removals and of the recycle bin."""

from __future__ import annotations

from django.urls import path

from transfer.views import bin_people, bins, copies, imports, versions

urlpatterns = [
    path("course/<int:pk>/copy/", copies.copy, name="course-copy"),
    path("course/<int:pk>/import/", imports.sources, name="course-import"),
    path("course/<int:pk>/import/<int:source>/", imports.parts, name="course-import-parts"),
    path("activity/<int:pk>/duplicate/", imports.duplicate, name="activity-duplicate"),
    path("activity/<int:pk>/versions/", versions.of_activity, name="activity-versions"),
    path("activity/<int:pk>/versions/<int:archive>/", versions.people, name="activity-version-people"),
    path("remove/<slug:archive_type>/<int:pk>/", bins.remove, name="remove"),
    path("course/<int:pk>/bin/", bins.of_course, name="course-bin"),
    path("bin/", bins.of_courses, name="bin"),
    path("bin/<int:pk>/restore/", bins.bring_back, name="bin-restore"),
    path("bin/<int:pk>/people/", bin_people.people, name="bin-people"),
    path("bin/<int:pk>/empty/", bins.empty, name="bin-empty"),
]
