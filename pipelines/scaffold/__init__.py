"""Writes a new task from a CSV file: `python -m pipelines.scaffold`, or `make new-task`."""
