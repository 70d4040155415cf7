"""Watches the traffic of pushed models: windows of the request log, judged (docs/how-to/monitoring.md)."""
