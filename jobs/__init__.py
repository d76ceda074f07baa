"""Jobs: the queue, the workers, plans and progress."""
