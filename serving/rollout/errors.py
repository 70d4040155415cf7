"""What a roll-out may end with."""


class RolloutError(Exception):
    """A roll-out did not do what it was asked. The message says what happened, what was expected and what to do."""


class RefusedError(RolloutError):
    """Asked for something that cannot be: nothing was changed."""


class FailedError(RolloutError):
    """Something failed on the way, most often on the server."""


class ServerDownError(FailedError):
    """A server does not answer at all."""


class WorseError(FailedError):
    """The comparison says that the canary is worse than the stable version."""
