"""Many episodes: one process each, started when the machine has room, with one report of all."""
