"""How long voices take against what was told of them: `python -m benchmarks.lengths`."""
