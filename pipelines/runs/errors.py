"""What can go wrong when a run is read."""


class RunError(LookupError):
    """There is no such run, or it did not get to what is asked of it."""
