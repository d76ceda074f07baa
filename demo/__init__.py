"""Makes sample courses, runs the demonstration, and measures backup and restore."""
