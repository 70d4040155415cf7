"""Simulate how many nodes a load needs, from measured service times: `python -m benchmarks.capacity`."""
