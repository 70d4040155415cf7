"""Monitor the traffic of pushed models: judge windows of the request log. docs/how-to/monitoring.md."""
