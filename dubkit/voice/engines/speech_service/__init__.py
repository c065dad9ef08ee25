"""One speech service: its settings, its dialect, what it is asked and what it answers."""
