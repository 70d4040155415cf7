"""Search for slices of rows in which a model's loss is higher than elsewhere."""
