"""Jobs: a queue in the database, and the workers that take leases on it."""
