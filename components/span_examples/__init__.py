"""Gather the rows of several spans, to train on."""
