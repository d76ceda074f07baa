"""Pages of copies, imports, removals and the recycle bin."""
