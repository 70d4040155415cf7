"""StatisticsGen, which reads Examples in batches."""
