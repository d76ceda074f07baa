"""The pages of a course and what is in it, as a teacher would recognise it."""
