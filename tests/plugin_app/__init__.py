"""An app that is no part of Coursekeep and brings types of its own: `INSTALLED_APPS += ["tests.plugin_app"]` is all."""
