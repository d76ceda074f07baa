"""The pages of courses with their backups, the backup wizard, archives, jobs and schedules."""
