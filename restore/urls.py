"""The addresses of the restore wizard and of the administrator's pages."""

from __future__ import annotations

from django.urls import path

from restore.views import administration, wizard

urlpatterns = [
    path("restore/", wizard.start, name="restore"),
    path("restore/upload/", wizard.upload, name="restore-upload"),
    path("restore/<int:pk>/", wizard.inside, name="restore-inside"),
    path("restore/<int:pk>/destination/", wizard.destination, name="restore-destination"),
    path("restore/<int:pk>/settings/", wizard.settings, name="restore-settings"),
    path("restore/<int:pk>/schema/", wizard.schema, name="restore-schema"),
    path("restore/<int:pk>/review/", wizard.review, name="restore-review"),
    path("administration/", administration.overview, name="administration"),
    path("administration/options/", administration.options, name="administration-options"),
]
