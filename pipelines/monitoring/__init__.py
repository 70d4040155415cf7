"""Watches the traffic of pushed models: windows of the request log, judged (docs/monitoring.md)."""
