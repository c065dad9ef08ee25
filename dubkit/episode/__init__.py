"""One episode on disk: its folder, what is stored there, what people changed by hand."""
