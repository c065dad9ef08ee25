"""What recognises speech: one file for each recognition engine."""
