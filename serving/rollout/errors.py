"""Errors that end a roll-out command."""


class RolloutError(Exception):
    """A roll-out command failed. The message says what happened, what was expected and what to do."""


class PreconditionError(RolloutError):
    """A precondition does not hold; nothing was changed."""


class NoRequestsError(PreconditionError):
    """There is no request to replay."""


class FailedError(RolloutError):
    """A step failed after it began, most often on the server."""


class ServerDownError(FailedError):
    """A server does not answer."""


class DiffersError(FailedError):
    """The comparison found that the canary differs from the stable version, or could not judge it."""
