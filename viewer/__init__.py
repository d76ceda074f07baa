"""Pages that show a course and its content, arranged as a teacher knows them."""
