"""The pages of stored archives, schedules, jobs and of all courses."""
