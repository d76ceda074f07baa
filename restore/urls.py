"""The addresses of the restore wizard."""

from __future__ import annotations

from django.urls import path

from restore.views import names, people, stages, start

urlpatterns = [
    path("restore/", start.start, name="restore"),
    path("restore/upload/", start.upload, name="restore-upload"),
    path("restore/upload/<int:pk>/", start.looking, name="restore-looking"),
    path("restore/again/<int:pk>/", start.again, name="restore-again"),
    path("course/<int:pk>/restore/", start.of_course, name="restore-course"),
    path("restore/<int:pk>/", stages.inside, name="restore-inside"),
    path("restore/<int:pk>/destination/", stages.destination, name="restore-destination"),
    path("restore/<int:pk>/settings/", stages.settings, name="restore-settings"),
    path("restore/<int:pk>/names/", names.names, name="restore-names"),
    path("restore/<int:pk>/schema/", stages.schema, name="restore-schema"),
    path("restore/<int:pk>/people/", people.people, name="restore-people"),
    path("restore/<int:pk>/review/", stages.review, name="restore-review"),
    path("restore/<int:pk>/reset/", start.reset, name="restore-reset"),
]
