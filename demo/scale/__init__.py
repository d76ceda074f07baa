"""Scale: the pages of a site of a million archives, and a very large course, measured in time, statements and rows read."""
