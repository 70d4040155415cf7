"""Traces of requests, off by default; OpenTelemetry is imported only if traces are on."""
