"""Transform, whose rows say which raw rows they were made of."""
