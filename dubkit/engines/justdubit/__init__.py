"""The embedded generator: its parts opened, one clip's steps as files, and clip after clip on a device."""

ENGINE = "justdubit"
"""Its name in takes and settings."""
