"""The pages; every module has one `router`."""
