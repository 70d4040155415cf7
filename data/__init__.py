"""Prepare the rows of data sets. Each has a contract in `schema/`, and a data card that describes it."""
