"""Set up the project where uv cannot: choose one of two stacks, check the machine, and keep `.venv` complete.

It runs on any Python from 3.8 on without third-party packages, because it installs them. `environment/start MODULE`
runs one of these modules with such a Python.
"""
