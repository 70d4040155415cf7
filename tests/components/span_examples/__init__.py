"""Tests of components/span_examples/."""
