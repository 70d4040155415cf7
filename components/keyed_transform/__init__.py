"""A Transform that writes the key of the raw row with each transformed row."""
