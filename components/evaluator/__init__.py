"""TFX's Evaluator, which adds up a batch and all its slices at a time."""
