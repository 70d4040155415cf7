"""Metrics in production: measured once outcomes come, estimated before, and held against what was promised."""
