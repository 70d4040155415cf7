"""Measurements: never asserted in tests, always printed with what they are compared with."""
