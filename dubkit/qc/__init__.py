"""Measures of a finished dub, and the page that shows them."""
