"""The actions that the audit trail records. `tests/audit/test_actions.py` carries out each of them by its door."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Action:
    """An action: its name in the trail, and what it is called on pages."""

    name: str
    label: str


ACTIONS: dict[str, Action] = {
    action.name: action
    for action in (
        Action("backup", "Backed up"),
        Action("restore", "Restored"),
        Action("copy", "Copied a course"),
        Action("import", "Imported into a course"),
        Action("removal", "Removed a course, section or activity"),
        Action("return", "Brought back from the recycle bin"),
        Action("person-return", "Brought back one person's work"),
        Action("bin-emptied", "Removed from the recycle bin for good"),
        Action("upload", "Uploaded an archive"),
        Action("download", "Downloaded an archive"),
        Action("archive-held", "Protected an archive"),
        Action("archive-released", "Ended the protection of an archive"),
        Action("archive-recorded", "Recorded an archive that was in no list"),
        Action("archive-removed", "Removed an archive"),
        Action("archive-expired", "Removed an archive that a schedule no longer keeps"),
        Action("job-cancelled", "Cancelled a job"),
        Action("job-retried", "Queued a job again"),
        Action("schedule-created", "Made a schedule"),
        Action("schedule-changed", "Changed a schedule"),
        Action("schedule-removed", "Removed a schedule"),
        Action("schedule-run", "Ran a schedule by hand"),
        Action("defaults-changed", "Changed defaults and locks of options"),
        Action("limits-changed", "Changed the limits of the site"),
        Action("account-created", "Made an account"),
        Action("account-changed", "Changed an account"),
        Action("account-suspended", "Suspended an account"),
        Action("account-reactivated", "Reactivated an account"),
        Action("administrator-made", "Made somebody an administrator"),
        Action("administrator-unmade", "Took the administration from somebody"),
        Action("password-link", "Made a link to set a password"),
        Action("password-changed", "Changed a password"),
        Action("role-given", "Gave a role"),
        Action("role-taken", "Took a role"),
        Action("identity-linked", "Linked an account to an identity"),
        Action("identity-unlinked", "Unlinked an account from an identity"),
        Action("second-factor-set", "Set up a second factor"),
        Action("second-factor-removed", "Removed a second factor"),
        Action("recovery-codes-made", "Made new recovery codes"),
        Action("recovery-code-used", "Used a recovery code"),
        Action("sign-in-link", "Made a link to sign in"),
        Action("sign-in-begun", "Began to sign in"),
        Action("sign-in", "Signed in"),
        Action("sign-in-failed", "Failed to sign in"),
        Action("sign-out", "Signed out"),
        Action("hook-created", "Made a web hook"),
        Action("hook-changed", "Changed a web hook"),
        Action("hook-removed", "Removed a web hook"),
        Action("storage-initialised", "Marked a storage as the site's own"),
        Action("disaster-copied", "Copied the whole site for a disaster"),
        Action("disaster-put-back", "Put a part of the site back from its disaster copy"),
        Action("audit-exported", "Exported the audit trail"),
        Action("audit-expired", "Removed old entries of the audit trail"),
    )
}
