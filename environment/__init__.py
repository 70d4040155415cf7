"""What uv leaves to a project: choose one of two stacks, check the machine, keep `.venv` whole.

Runs on any Python from 3.8 without third-party packages, because it is what installs them. `environment/start MODULE`
runs one of these modules with such a Python.
"""
