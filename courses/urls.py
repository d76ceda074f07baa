"""The addresses of activities, files, and of links inside restored courses."""

from __future__ import annotations

from django.urls import path

from courses import views

urlpatterns = [
    path("activity/<int:pk>/", views.activity, name="activity"),
    path("activity/<int:pk>/records/<slug:name>/", views.records, name="records"),
    path("file/<path:path>", views.file, name="file"),
    path("theme/", views.theme, name="theme"),
    path("course/view.php", views.course_link),
    path("mod/<slug:modulename>/<slug:script>.php", views.activity_link),
]
