"""The made-up app's entry: it adds its option when Django is ready."""

from __future__ import annotations

from django.apps import AppConfig

from selection.option import Option, Use
from selection.table import register


class PluginAppConfig(AppConfig):
    """Excursions of a course, questions with dice, and a block."""

    name = "tests.plugin_app"
    label = "plugin_app"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        register(
            Option(
                name="excursionplaces",
                label="Places of excursions",
                help="Where people want to go.",
                subject="people",
                backup=Use(default=True, needs=("users",)),
                restore=Use(default=True, needs=("users",)),
            )
        )
        register(
            Option(
                name="packinglist",
                label="Things to take along",
                help="The list of things that everybody takes along.",
                level="activity",
                modulename="excursion",
                backup=Use(default=True),
                restore=Use(default=True),
            )
        )
