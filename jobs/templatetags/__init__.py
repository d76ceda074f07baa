"""Template tags of the pages that know of jobs."""
