"""The configuration of the site: settings, URLs, middleware, the Celery application and the deployment check.

Nothing is imported here: `celery -A config` finds the application in `config.celery`, and `jobs.tasks` imports it by the
setting COURSEKEEP_QUEUE_APP, so that a command that sends no message does without the library.
"""
