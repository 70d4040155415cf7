"""Where a model is wrong: slices of rows, found by a search, in which its loss is higher than elsewhere."""
