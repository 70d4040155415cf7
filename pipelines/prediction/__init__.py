"""Predict the rows of files with a task's pushed model, and report the result."""
