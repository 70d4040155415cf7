"""Predict the rows of files with a pushed model, in a Beam pipeline."""
