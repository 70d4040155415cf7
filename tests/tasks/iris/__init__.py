"""A third task, of three classes: which species is a flower of? No value is missing, and there are no slices."""
