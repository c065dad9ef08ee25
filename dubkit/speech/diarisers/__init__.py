"""What finds out who speaks when: one file for each diarisation engine."""
