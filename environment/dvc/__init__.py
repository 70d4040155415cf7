"""DVC in a separate environment: the tool that keeps versions of data."""
