"""DVC in an environment of its own: the tool that keeps versions of data."""
