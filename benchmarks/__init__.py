"""Benchmarks. Each prints its figures next to the values that they are compared with; no test asserts a figure."""
