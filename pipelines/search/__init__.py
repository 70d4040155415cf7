"""Search for hyperparameters: the library that TFX's Tuner and the experiment commands use."""
