"""Pin versions of data with DVC, and restore the data that a run was trained on."""
