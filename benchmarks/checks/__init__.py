"""Seeded faults: whether the checks of sound and words find what is wrong, and leave alone what is not."""
