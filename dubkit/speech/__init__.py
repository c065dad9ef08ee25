"""Speech: where it is, what is said, who says it. Reads mono sound at 16 kHz on the episode clock."""
