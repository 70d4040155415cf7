"""Metrics in production: measured when outcomes have arrived, estimated before, and compared with the version's run."""
