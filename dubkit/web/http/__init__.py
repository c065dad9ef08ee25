"""What every request passes: limits, headers, errors, log, numbers, and the description of it all."""
