"""How many nodes a load needs, by simulation from measured service times: `python -m benchmarks.capacity`."""
