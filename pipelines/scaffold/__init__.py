"""Writes a new task from a CSV file: `python -m pipelines new-task`, or `make new-task`."""
