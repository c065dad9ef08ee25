"""What translates: one file for each translation engine."""
