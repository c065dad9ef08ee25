"""Endings of the names of media files."""

from __future__ import annotations

VIDEO = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".m2ts", ".mts", ".wmv")
SOUND = (".wav", ".flac", ".mp3", ".m4a", ".aac", ".ogg", ".opus", ".aiff", ".aif", ".wma", ".mka")
MEDIA = frozenset((*VIDEO, *SOUND, ".flv", ".ogv", ".3gp", ".mxf"))
"""What a folder of episodes is searched for, and what may be uploaded; lower case."""
