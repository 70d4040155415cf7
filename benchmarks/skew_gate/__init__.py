"""Measure how often SkewGate refuses correct models, and how many planted skews it catches."""
