"""Hold the network against stored tensors of the original code."""
