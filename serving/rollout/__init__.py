"""Rolls a model version out and back, on TensorFlow Serving or the embedded server: `python -m serving rollout`."""
