"""Metrics in production: measured when outcomes come, estimated before, and compared with the version's run."""
