"""Measure how often monitoring raises a false alarm, and how often it finds a planted change."""
