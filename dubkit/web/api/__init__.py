"""The HTTP interface; every module has one `router`."""
