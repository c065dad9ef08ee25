"""A series: what its episodes share beside each of them, found from `series.toml`."""
