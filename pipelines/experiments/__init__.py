"""The commands `tune` and `portfolio`. docs/tuning.md."""
