"""Metrics, slices, thresholds and bootstrap intervals."""
