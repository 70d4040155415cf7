"""Replays the spans of a task through the real serving path, with the retraining loop behind it (docs/how-to/replay.md)."""
