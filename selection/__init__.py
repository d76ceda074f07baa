"""What can be chosen in a backup and in a restore, and what follows from it."""
