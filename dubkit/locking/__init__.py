"""One file that says what an episode was made from, and the episode made again from it."""
