"""Replay the spans of a task through the real servers with the retraining loop; see docs/how-to/replay.md."""
