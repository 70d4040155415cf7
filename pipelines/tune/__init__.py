"""The search for hyperparameters: under TFX's Tuner, in `make tune` and in `make portfolio`. docs/tuning.md."""
