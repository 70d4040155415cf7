"""The commands `tune` and `portfolio`; see docs/how-to/tuning.md."""
