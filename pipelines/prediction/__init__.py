"""Predict files with a task's pushed model: finds the version and the threshold, and says what came of it."""
