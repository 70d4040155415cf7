"""Write a new task from a CSV or Parquet file: `python -m pipelines new-task`, or `make new-task`."""
