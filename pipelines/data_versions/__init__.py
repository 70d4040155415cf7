"""Versions of data, kept by DVC: pin what was read, and restore what a run was trained on."""
