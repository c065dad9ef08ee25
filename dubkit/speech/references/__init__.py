"""Find in the source the best pieces of each person's voice."""
