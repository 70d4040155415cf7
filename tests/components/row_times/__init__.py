"""Tests of components/row_times/."""
