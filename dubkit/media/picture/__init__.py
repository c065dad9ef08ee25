"""Pictures: frames, shots, faces."""
