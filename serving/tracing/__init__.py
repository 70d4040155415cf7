"""Traces of requests, off by default: where OpenTelemetry is not asked for, none of it is imported."""
