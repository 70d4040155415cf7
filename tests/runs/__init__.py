"""Whole runs: the command line as people start it, in a copy of the project that a test may edit, break and kill."""
