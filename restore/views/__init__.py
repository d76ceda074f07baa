"""The pages of the restore wizard and of the administrator."""
