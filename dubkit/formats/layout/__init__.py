"""Subtitles as people can read them: lines broken by language, long texts in several cues, time to read."""
