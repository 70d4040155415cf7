"""Serve pushed models. This package uses only a SavedModel and its contract, not the pipeline that made them."""
