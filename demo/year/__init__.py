"""A year of a site in minutes: its schedules run every night by a clock that is moved on, and each morning all is checked."""
