"""Words that the episodes of a series have in common: terms, forms of address, style."""
