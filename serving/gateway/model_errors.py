"""Why the model server gave no prediction."""


class ModelError(Exception):
    """No prediction. The message is for the log and for people who run the gateway."""

    kind = "error"  # in gateway_upstream_errors_total
    again = False  # whether another try may help and cannot harm
    status = 503  # of the gateway's answer


class RefusedError(ModelError):
    """Nothing listens, or nobody answered the knock: no request was sent."""

    kind = "refused"
    again = True


class CutOffError(ModelError):
    """The connection broke. A prediction changes nothing, so it may be asked for twice."""

    kind = "cut_off"
    again = True


class UnavailableError(ModelError):
    """The server says that it cannot now: 503, or 429 when its queue is full."""

    kind = "unavailable"
    again = True


class NotFoundError(ModelError):
    """The version, or the model, is not there (any more)."""

    kind = "not_found"
    again = True


class OverloadedError(ModelError):
    """All connections are busy."""

    kind = "overloaded"


class LateError(ModelError):
    """No answer in time. Not asked again: a server that is too slow gets no quicker by being asked twice."""

    kind = "timeout"
    status = 504


class BadAnswerError(ModelError):
    """An answer that is no prediction; so would the next one be."""

    kind = "bad_answer"
    status = 502


class MismatchError(ModelError):
    """The model takes other inputs than the contract has."""

    kind = "mismatch"
