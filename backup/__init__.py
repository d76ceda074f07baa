"""How a course is backed up."""
