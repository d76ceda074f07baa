"""Addresses of courses with their backups, archives, jobs, schedules, and the administrator's overview."""

from __future__ import annotations

from django.urls import path

from vault.views import accounts, administration, archives, audit, courses, jobs, passwords, schedules

urlpatterns = [
    path("", courses.courses, name="courses"),
    path("course/<int:pk>/", courses.course, name="course"),
    path("archives/", archives.listing, name="archives"),
    path("archives/<int:pk>/", archives.archive, name="archive"),
    path("archives/<int:pk>/download/", archives.download, name="archive-download"),
    path("archives/<int:pk>/check/", archives.check, name="archive-check"),
    path("archives/<int:pk>/hold/", archives.hold, name="archive-hold"),
    path("archives/<int:pk>/remove/", archives.remove, name="archive-remove"),
    path("jobs/", jobs.listing, name="jobs"),
    path("jobs/under-way/", jobs.under_way, name="jobs-under-way"),
    path("jobs/<int:pk>/", jobs.job, name="job"),
    path("jobs/<int:pk>/log/", jobs.log, name="job-log"),
    path("jobs/<int:pk>/cancel/", jobs.cancel, name="job-cancel"),
    path("schedules/", schedules.listing, name="schedules"),
    path("schedules/new/", schedules.edit, name="schedule-new"),
    path("schedules/<int:pk>/", schedules.schedule, name="schedule"),
    path("schedules/<int:pk>/edit/", schedules.edit, name="schedule-edit"),
    path("schedules/<int:pk>/run/", schedules.run_now, name="schedule-run"),
    path("schedules/<int:pk>/remove/", schedules.remove, name="schedule-remove"),
    path("schedules/runs/<int:pk>/", schedules.run, name="run"),
    path("administration/", administration.overview, name="administration"),
    path("administration/limits/", administration.site_limits, name="administration-limits"),
    path("administration/audit/", audit.listing, name="audit"),
    path("administration/audit/<slug:form>/", audit.export, name="audit-export"),
    path("administration/people/", accounts.listing, name="accounts"),
    path("administration/people/new/", accounts.new, name="account-new"),
    path("administration/people/<int:pk>/", accounts.account, name="account"),
    path("administration/people/<int:pk>/password/", accounts.password, name="account-password"),
    path("administration/people/<int:pk>/roles/", accounts.give_role, name="account-role"),
    path(
        "administration/people/<int:pk>/roles/<int:assignment>/",
        accounts.take_role,
        name="account-role-taken",
    ),
    path("administration/people/<int:pk>/<slug:change>/", accounts.change_access, name="account-access"),
    path("accounts/password/", passwords.ChangePassword.as_view(), name="password"),
    path("accounts/password/<uidb64>/<token>/", passwords.SetPassword.as_view(), name="password-set"),
]
