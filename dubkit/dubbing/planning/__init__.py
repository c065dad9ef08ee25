"""What is dubbed in which call: the route of every line, and clips of the generator's lengths and sizes."""
