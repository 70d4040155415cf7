"""Compute metrics, slices, thresholds, intervals, and comparisons of models."""
