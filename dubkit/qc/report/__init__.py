"""The report: one self-contained HTML page beside the finished dub."""
