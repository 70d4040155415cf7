"""Count rows that are not within the time of their span."""
