"""Notice rows that are not of the time of their span."""
