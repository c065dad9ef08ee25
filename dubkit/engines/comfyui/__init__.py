"""Clips made by a ComfyUI server: the graph, the job, and what comes back."""

NAME = "comfyui"
"""The engine's name in takes and settings."""
NEGATIVE = "dub.negative_prompt"
"""The setting of what a picture is kept away from."""
