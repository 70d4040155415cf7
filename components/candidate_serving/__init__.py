"""Serve a candidate model before it is pushed, and send it requests."""
