"""Combine the Examples of several spans for training."""
