"""Reasons why the model server made no prediction."""


class ModelError(Exception):
    """No prediction. The message is for the log and for operators."""

    kind = "error"  # label in gateway_upstream_errors_total
    retryable = False  # whether a retry may help and cannot harm
    status = 503  # status of the gateway's answer
    version: str | None = None  # version that was asked last; None: none was chosen
    label: str | None = None  # label of that version; None also where there are no labels


class ConnectError(ModelError):
    """The connection was refused or timed out; no request was sent."""

    kind = "refused"
    retryable = True


class ConnectionLostError(ModelError):
    """The connection broke. A prediction has no side effects, so the request is retried."""

    kind = "cut_off"
    retryable = True


class ModelUnavailableError(ModelError):
    """The server answered 503, or 429 because its queue is full."""

    kind = "unavailable"
    retryable = True


class VersionNotFoundError(ModelError):
    """The version or the model is not served, or not any more."""

    kind = "not_found"
    retryable = True


class PoolExhaustedError(ModelError):
    """All connections of the pool stayed busy for `connect_seconds`."""

    kind = "overloaded"


class ResponseTimeoutError(ModelError):
    """No answer in time. It is not retried: a second request would slow an overloaded server further."""

    kind = "timeout"
    status = 504


class InvalidResponseError(ModelError):
    """The answer holds no prediction. It is not retried: the next answer would be the same."""

    kind = "bad_answer"
    status = 502


class SignatureMismatchError(ModelError):
    """The model's inputs differ from the contract's features."""

    kind = "mismatch"


_ALL: list[type[ModelError]] = [ModelError, *ModelError.__subclasses__()]
KINDS = tuple(each.kind for each in _ALL)
