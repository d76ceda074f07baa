"""Load: people in the wizards and jobs in the queue of a site of its own, with real web, worker and Redis processes."""
