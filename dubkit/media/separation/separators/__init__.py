"""One file for each way to separate."""
