"""What older versions of Moodle wrote, rewritten as 4.5 writes it."""
