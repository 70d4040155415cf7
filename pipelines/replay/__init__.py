"""Replays the spans of a task through the real servers, with the retraining loop (docs/how-to/replay.md)."""
