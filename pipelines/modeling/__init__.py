"""Fit a Keras model on transformed rows and export it with its signatures."""
