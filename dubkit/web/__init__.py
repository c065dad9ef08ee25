"""Pages and HTTP interface over the chain, with jobs in a database."""
