"""Options of backups and restores: the table, their resolution into settings, and what a selection of them includes."""
