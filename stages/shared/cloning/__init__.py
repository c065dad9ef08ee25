"""Voices that are cloned: from which recording, with whose consent, and how like them the lines are."""
