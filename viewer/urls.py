"""Addresses of activities, of files, and of links inside restored courses."""

from __future__ import annotations

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from viewer import views


class FilePath(StringConverter):
    """The path of a file: anything, since a name may hold even a line break."""

    regex = r"(?s:.+)"


register_converter(FilePath, "file")

urlpatterns = [
    path("activity/<int:pk>/", views.activity, name="activity"),
    path("activity/<int:pk>/records/<slug:name>/", views.records, name="records"),
    path("activity/<int:pk>/<slug:name>/<int:number>/", views.activity_detail, name="activity-detail"),
    path("course/<int:pk>/records/<slug:name>/", views.course_records, name="course-records"),
    path("course/<int:pk>/<slug:name>/", views.course_page, name="course-page"),
    path("course/<int:pk>/<slug:name>/<int:number>/", views.course_detail, name="course-detail"),
    path("file/<file:path>", views.file, name="file"),
    path("theme/", views.theme, name="theme"),
    path("course/view.php", views.course_link),
    path("course/section.php", views.section_link),
    path("grade/index.php", views.course_page_link, {"name": "gradebook"}),
    path("grade/report/index.php", views.course_page_link, {"name": "gradebook"}),
    path("badges/index.php", views.course_page_link, {"name": "badges"}),
    path("user/index.php", views.course_page_link, {"name": "people"}),
    path("pluginfile.php/<path:path>", views.file_link),
    path("mod/<slug:modulename>/<slug:script>.php", views.activity_link),
]
