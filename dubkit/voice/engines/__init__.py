"""What speaks: one file for each voice engine."""
