"""Roll out and roll back model versions on TensorFlow Serving or the embedded server: `python -m serving rollout`."""
