"""Set-up of a machine: which stack it gets, what it lacks, and the `.venv` that every command runs in.

Runs on any Python from 3.8, without third-party packages, because it is what installs them.
"""
