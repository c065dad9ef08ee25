"""One file for each way to work on items."""
