"""Jobs: a queue in the database, and the workers that lease jobs from it."""
