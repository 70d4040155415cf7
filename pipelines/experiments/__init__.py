"""The commands `tune` and `portfolio`. docs/how-to/tuning.md."""
