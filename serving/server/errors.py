"""One kind of error for every request: a canonical code and a message, which gRPC and REST each spell their way."""

import grpc

_MOST_BYTES = 1024  # TensorFlow Serving's kErrorMessageLimit
_HTTP_STATUS = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}


class ServingError(Exception):
    """A request that gets an error for an answer.

    Attributes:
        code: the canonical code, as TensorFlow Serving would give it.
        message: what the caller reads.
    """

    def __init__(self, code: grpc.StatusCode, message: str):
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def http_status(self) -> int:
        """What REST answers with; 500 for every code that HTTP has no better number for."""
        return _HTTP_STATUS.get(self.code, 500)

    @property
    def number(self) -> int:
        """The code as google.rpc.Code numbers it."""
        return int(self.code.value[0])


def cut(message: str) -> str:
    """Return the message as gRPC takes it: TensorFlow Serving's first 1,024 bytes, and its word for the rest.

    A longer one does not fit into the metadata that carries it, and the client would read another code in its stead.
    """
    sent = message.encode(errors="replace")
    if len(sent) <= _MOST_BYTES:
        return message
    return sent[:_MOST_BYTES].decode(errors="ignore") + "...TRUNCATED"


def invalid(message: str) -> ServingError:
    """The error for a request that can never be answered."""
    return ServingError(grpc.StatusCode.INVALID_ARGUMENT, message)
