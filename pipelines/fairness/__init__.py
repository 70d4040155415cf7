"""Measure gaps between groups of rows, and withhold the blessing from a model with a larger gap than agreed."""
