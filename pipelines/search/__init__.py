"""Search for hyperparameters; TFX's Tuner and the experiment commands use this package."""
