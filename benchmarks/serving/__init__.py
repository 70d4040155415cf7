"""The load test: `python -m benchmarks.serving`."""
