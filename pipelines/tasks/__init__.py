"""One package for each prediction task."""
