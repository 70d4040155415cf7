"""A StatisticsGen that reads Examples in batches."""
