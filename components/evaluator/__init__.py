"""TFX's Evaluator, with metrics summed over whole batches and all slices at once."""
