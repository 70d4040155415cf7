"""Remove old runs, artifacts, versions and logs, and show what takes space on disk."""
